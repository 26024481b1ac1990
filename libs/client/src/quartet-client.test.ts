import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter, createRouterTransport } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { AnswerQuestionResponseSchema, AnswerService } from "@quartet/contracts/gateway/v1/answer_service";
import { DocumentService } from "@quartet/contracts/gateway/v1/document_service";
import { SearchService } from "@quartet/contracts/gateway/v1/search_service";
import { quartetError } from "@quartet/errors";
import { createQuartetClient as createNodeClient, createServiceClient, QuartetError } from "./node.ts";
import { createQuartetClient as createWebClient } from "./web.ts";

const question = "휴가는 며칠인가요?";

interface Fake {
  readonly url: string;
  /** Headers of every call, in order. */
  readonly headers: Headers[];
  /** Resolves when a streaming handler's signal was aborted. */
  readonly aborted: Promise<void>;
  destroyConnections(): void;
}

const open: (() => Promise<void>)[] = [];
// The fake's host reports broken connections, which are the point here.
beforeEach(() => void jest.spyOn(console, "error").mockImplementation(() => undefined));
afterEach(async () => {
  jest.restoreAllMocks();
  for (const close of open.splice(0)) await close();
});

/** A gateway with one behaviour per question, on a free port. */
async function startFake(version: "1.1" | "2"): Promise<Fake> {
  const headers: Headers[] = [];
  const aborted = Promise.withResolvers<void>();
  const routes = (router: ConnectRouter) => {
    router.service(AnswerService, {
      answerQuestion(request, context) {
        headers.push(context.requestHeader);
        context.responseHeader.set("x-request-id", "request-7");
        if (request.question === "plain") throw new ConnectError("busy", Code.ResourceExhausted);
        if (request.question === "refused") throw refused();
        return { text: `답: ${request.question}` };
      },
      async *streamAnswerQuestion({ answer }, { signal }) {
        signal.addEventListener("abort", () => aborted.resolve());
        yield { event: { case: "textDelta" as const, value: { text: "가" } } };
        if (answer?.question === "parked") await once(signal, "abort");
        if (answer?.question === "refused") throw refused();
        if (answer?.question === "truncated") return;
        yield { event: { case: "answer" as const, value: create(AnswerQuestionResponseSchema, { text: "가" }) } };
      },
    });
    router.service(SearchService, {
      searchPassages: async (_, { signal }) => {
        await once(signal, "abort");
        return {};
      },
    });
    router.service(DocumentService, {});
  };
  const handler = connectNodeAdapter({ routes });
  const sockets = new Set<{ destroy(): void }>();
  const server = version === "2" ? http2.createServer(handler) : http.createServer(handler);
  server.on("connection", (socket: { destroy(): void }) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const destroyConnections = () => sockets.forEach((socket) => socket.destroy());
  open.push(async () => {
    destroyConnections();
    server.close();
    await once(server, "close");
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    headers,
    aborted: aborted.promise,
    destroyConnections,
  };
}

const refused = () =>
  quartetError({
    code: Code.ResourceExhausted,
    reason: "OVERLOADED",
    message: "Too many questions at once. Ask again in 2 seconds.",
    retryDelayMs: 2_000,
    violations: [{ field: "question", description: "겹침" }],
  });

const failure = async (call: Promise<unknown>): Promise<QuartetError> => {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(QuartetError);
  return error as QuartetError;
};

const drain = async (stream: AsyncIterable<unknown>) => {
  for await (const _ of stream);
};

const transports = [
  { name: "Node, HTTP/1.1", version: "1.1" as const, connect: createNodeClient },
  {
    name: "Node, HTTP/2",
    version: "2" as const,
    connect: (options: Parameters<typeof createNodeClient>[0]) => createNodeClient({ ...options, httpVersion: "2" }),
  },
  { name: "fetch", version: "1.1" as const, connect: createWebClient },
];

describe.each(transports)("a client over $name", ({ version, connect }) => {
  it("calls, with its headers and a deadline", async () => {
    const fake = await startFake(version);
    const client = connect({ baseUrl: `${fake.url}/`, timeoutMs: 5_000, headers: async () => ({ "x-team": "a" }) });
    expect((await client.answers.answerQuestion({ question })).text).toBe(`답: ${question}`);
    await client.answers.answerQuestion({ question }, { headers: { "x-team": "b" }, timeoutMs: 0 });
    expect(fake.headers.map((headers) => headers.get("x-team"))).toEqual(["a", "b"]);
    expect(Number(fake.headers[0]!.get("connect-timeout-ms"))).toBe(5_000);
    const withToken = connect({ baseUrl: fake.url, token: "qt_a_b", headers: { "x-team": "c" } });
    await withToken.answers.answerQuestion({ question });
    const sent = fake.headers.at(-1);
    expect([sent?.get("authorization"), sent?.get("x-team")]).toEqual(["Bearer qt_a_b", "c"]);
    expect(fake.headers[1]!.get("connect-timeout-ms")).toBeNull();
  });

  it("gives an error the server's words, unary and streamed", async () => {
    const client = connect({ baseUrl: (await startFake(version)).url });
    const unary = await failure(client.answers.answerQuestion({ question: "refused" }));
    const streamed = await failure(drain(client.answers.streamAnswerQuestion({ answer: { question: "refused" } })));
    for (const error of [unary, streamed]) {
      expect(error).toMatchObject({
        code: "resource_exhausted",
        reason: "OVERLOADED",
        message: "Too many questions at once. Ask again in 2 seconds.",
        retryDelayMs: 2_000,
        violations: [{ field: "question", description: "겹침" }],
        unreachable: false,
      });
    }
    expect(unary.requestId).toBe("request-7");
    expect(JSON.parse(JSON.stringify(unary))).toMatchObject({ reason: "OVERLOADED", requestId: "request-7" });
    expect(await failure(client.answers.answerQuestion({ question: "plain" }))).toMatchObject({
      code: "resource_exhausted",
      reason: undefined,
      retryDelayMs: undefined,
      violations: [],
    });
  });

  it("aborts a stream that is left by break", async () => {
    const fake = await startFake(version);
    const client = connect({ baseUrl: fake.url });
    for await (const { event } of client.answers.streamAnswerQuestion({ answer: { question: "parked" } })) {
      expect(event).toMatchObject({ case: "textDelta", value: { text: "가" } });
      break;
    }
    await fake.aborted;
  });

  it("leaves no clock running behind a stream that was left", async () => {
    const clocks = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const client = connect({ baseUrl: (await startFake(version)).url, timeoutMs: 600_000 });
    const before = clocks();
    for (let round = 0; round < 10; round++) {
      for await (const _ of client.answers.streamAnswerQuestion({ answer: { question: "parked" } })) break;
    }
    await new Promise(setImmediate);
    expect(clocks()).toBeLessThan(before + 10);
  });

  it("tells a signal from a deadline, and a stream without its last event from a whole one", async () => {
    const client = connect({ baseUrl: (await startFake(version)).url });
    const stop = new AbortController();
    const canceled = failure(client.search.searchPassages({ query: "x" }, { signal: stop.signal }));
    setTimeout(() => stop.abort(), 20);
    expect(await canceled).toMatchObject({ code: "canceled", unreachable: false });
    const late = await failure(client.search.searchPassages({ query: "x" }, { timeoutMs: 30 }));
    expect(late).toMatchObject({ code: "deadline_exceeded", unreachable: false });
    await drain(client.answers.streamAnswerQuestion({ answer: { question } }));
    const cut = await failure(drain(client.answers.streamAnswerQuestion({ answer: { question: "truncated" } })));
    expect(cut).toMatchObject({ code: "unavailable", reason: "STREAM_TRUNCATED" });
  });

  it("says that the server is unreachable or gone", async () => {
    const nowhere = await startFake(version);
    await open.pop()!();
    const absent = await failure(connect({ baseUrl: nowhere.url }).answers.answerQuestion({ question }));
    expect(absent).toMatchObject({ code: "unavailable", unreachable: true, requestId: undefined });
    expect(absent.message).not.toContain("127.0.0.1");

    const fake = await startFake(version);
    const waiting = failure(connect({ baseUrl: fake.url }).search.searchPassages({ query: "x" }));
    setTimeout(() => fake.destroyConnections(), 50);
    expect(await waiting).toMatchObject({ code: "unavailable", unreachable: true });
    const streaming = async () => {
      for await (const _ of connect({ baseUrl: fake.url }).answers.streamAnswerQuestion({
        answer: { question: "parked" },
      })) {
        fake.destroyConnections();
      }
    };
    expect(await failure(streaming())).toMatchObject({ code: "unavailable", unreachable: true });
  });
});

describe("a client over a given transport", () => {
  const transport = createRouterTransport(({ service }) => {
    service(AnswerService, { answerQuestion: () => ({ text: "in memory" }) });
  });

  it("uses it, and any service of the same address can be called with the same promises", async () => {
    const client = createNodeClient({ baseUrl: "http://unused.invalid", transport });
    expect((await client.answers.answerQuestion({ question })).text).toBe("in memory");
    expect(await failure(client.search.searchPassages({ query: "x" }))).toMatchObject({ code: "unimplemented" });
    const answers = createServiceClient(AnswerService, { baseUrl: "http://unused.invalid", transport });
    expect((await answers.answerQuestion({ question })).text).toBe("in memory");
  });

  it("refuses an address that is none, at once", () => {
    expect(() => createNodeClient({ baseUrl: "localhost:8080" })).toThrow("http://");
    expect(() => createNodeClient({ baseUrl: "nothing" })).toThrow("Invalid URL");
    expect(() => createWebClient({ baseUrl: "nothing" })).toThrow("Invalid URL");
  });
});
