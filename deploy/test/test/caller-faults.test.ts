/**
 * Callers who leave, stop reading or have no time, before the whole product with a provider: what they no longer want must end at the provider as well.
 *
 * A second is promised for that, and the benchmarks measure it; here machines may be busy, so what is held is that it was the caller's leaving that ended
 * the call: every clock of ours is minutes away.
 */
import * as http2 from "node:http2";
import { connect, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { createQuartetClient, type QuartetClient } from "@quartet/client";
import { AnswerService } from "@quartet/contracts/gateway/v1/answer_service";
import { type FakeProvider, type FakeRequest, soonestMs, startFakeProvider, until } from "@quartet/testing";
import { bothWays, type Product } from "../src/both-ways.ts";

const PROMPTLY_MS = 10_000;
const far = { timeoutMs: 120_000 };

const environment = {
  OPENAI_API_KEY: "sk-caller-faults",
  QUARTET_EMBEDDING_DIMENSIONS: "64",
  QUARTET_GENERATION_FALLBACK: "none",
  QUARTET_DEFAULT_TIMEOUT: "2m",
  QUARTET_EMBED_TIMEOUT: "1m",
  QUARTET_EMBEDDING_TIMEOUT: "2m",
  QUARTET_FIRST_TOKEN_TIMEOUT: "2m",
  QUARTET_TOKEN_TIMEOUT: "2m",
  QUARTET_GENERATION_FIRST_TOKEN_TIMEOUT: "2m",
  QUARTET_GENERATION_STALL_TIMEOUT: "2m",
  QUARTET_GENERATION_MAX_CHARACTERS: "1000000",
  QUARTET_READER_STALL_TIMEOUT: "2s",
};

/** A text that goes on for many minutes. */
const slowly = { answer: ["word "], tokens: 100_000, pieceMs: 20 };
const normal = {
  answer: undefined,
  cut: undefined,
  delayMs: undefined,
  firstPieceMs: undefined,
  hang: undefined,
  pieceMs: undefined,
  tokens: undefined,
};

/** Paths of plain HTTP that stream, each with the body of a question. */
const streams = [
  ["/api/v1/answer", (question: string) => ({ question })],
  [
    "/v1/chat/completions",
    (content: string) => ({ model: "quartet", stream: true, messages: [{ role: "user", content }] }),
  ],
  [
    "/v1/chat/completions",
    (content: string) => ({ model: "any", stream: true, messages: [{ role: "user", content }] }),
  ],
] as const;

let questions = 0;
/** One that nobody has asked before: nothing of it is in a cache. */
const newQuestion = () => `How many days does a refund take? (${(questions += 1)})`;

describe.each(bothWays)("callers of %s", (_name, start) => {
  let provider: FakeProvider;
  let product: Product;
  let quartet: QuartetClient;

  beforeAll(async () => {
    provider = await startFakeProvider();
    product = await start({ ...environment, OPENAI_BASE_URL: provider.baseUrl });
    quartet = createQuartetClient({ baseUrl: product.url });
    const text = "A refund takes 14 days. It is paid to the card that was charged.";
    await quartet.documents.putDocuments({ documents: [{ id: "refunds", text }], wait: 2 });
  }, 120_000);
  afterEach(() => provider.set(normal));
  afterAll(async () => {
    await product?.[Symbol.asyncDispose]();
    await provider?.close();
  }, 60_000);

  it("get the reply of a chat whole, also one that is longer than other messages may be", async () => {
    provider.set({ answer: Array<string>(20).fill("가".repeat(100_000)) });
    const messages = [{ role: "user", content: newQuestion() }];
    const response = await fetch(`${product.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "any", messages }),
    });
    const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
    expect(choices[0]!.message.content).toBe("가".repeat(2_000_000));
  });

  /** The next request of this kind to the provider, from now on. */
  const nextRequest = (kind: "embeddings" | "chat/completions") => {
    const from = provider.requests.length;
    const found = () => provider.requests.slice(from).find(({ path }) => path.endsWith(kind));
    return async () => {
      await until(() => found() !== undefined);
      return found()!;
    };
  };

  const endsPromptly = async (request: FakeRequest) => {
    const leftAt = performance.now();
    await request.closed;
    expect(request.leftEarly).toBe(true);
    expect(request.closedAt! - leftAt).toBeLessThan(PROMPTLY_MS);
  };

  const metric = async (pattern: RegExp) => {
    const lines = (await (await fetch(`${product.url}/metrics`)).text())
      .split("\n")
      .filter((line) => pattern.test(line));
    return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  };
  const canceledCalls = () =>
    metric(/^quartet_rpc_server_handled_total\{.*method="StreamAnswerQuestion".*code="canceled"/);
  const hopFailures = () => metric(/^quartet_hop_settled_total\{.*outcome="failure"/);

  /** Asks, and gives what leaves. */
  const ask = (signal: AbortSignal) => {
    const seen = { text: "", error: undefined as unknown };
    const read = async () => {
      try {
        const events = quartet.answers.streamAnswerQuestion(
          { answer: { question: newQuestion() } },
          { ...far, signal },
        );
        for await (const { event } of events) if (event.case === "textDelta") seen.text += event.value.text;
      } catch (error) {
        seen.error = error;
      }
    };
    return Object.assign(seen, { done: read() });
  };

  it("who leave before anything was sent cost nothing", async () => {
    const before = provider.requests.length;
    await ask(AbortSignal.abort()).done;
    expect(provider.requests).toHaveLength(before);
  });

  it.each([
    ["while the question is embedded", "embeddings", { hang: true }, false],
    ["before the first token", "chat/completions", { firstPieceMs: 300_000 }, false],
    ["in the middle of the text", "chat/completions", slowly, true],
    [
      "after the last token",
      "chat/completions",
      { answer: ["one ", "two "], cut: { afterPieces: 2, by: "stall" } },
      true,
    ],
  ] as const)(
    "who leave %s end the provider's call, and are no failure",
    async (_when, kind, behaviour, reads) => {
      const [canceled, failures] = [await canceledCalls(), await hopFailures()];
      // The question is embedded first.
      provider.next(...(kind === "embeddings" ? [] : [{}]), behaviour);
      const asked = nextRequest(kind);
      const caller = new AbortController();
      const answer = ask(caller.signal);
      const request = await asked();
      if (reads) await until(() => answer.text !== "");
      caller.abort();
      await endsPromptly(request);
      await answer.done;
      expect(answer.error).toMatchObject({ code: "canceled" });
      await until(async () => (await canceledCalls()) === canceled + 1);
      expect(await hopFailures()).toBe(failures);
    },
    60_000,
  );

  it("who leave after the end change nothing", async () => {
    const caller = new AbortController();
    const answer = ask(caller.signal);
    await answer.done;
    caller.abort();
    expect([answer.error, answer.text]).toEqual([undefined, expect.stringContaining("14 days")]);
  }, 60_000);

  it("are counted with what was written until they left", async () => {
    const written = async () => {
      const { status } = await quartet.operations.getPlatformStatus({});
      return Number(status!.keys.find(({ pool }) => pool === "generation")?.outputTokenCount ?? 0n);
    };
    const before = await written();
    provider.set(slowly);
    const caller = new AbortController();
    const answer = ask(caller.signal);
    await until(() => answer.text.length >= 25);
    caller.abort();
    await answer.done;
    await until(async () => (await written()) >= before + 4);
  }, 60_000);

  it.each(["HTTP/1.1", "HTTP/2"] as const)(
    "who close a tab over %s end it too, politely or not",
    async (protocol) => {
      provider.set(slowly);
      for (const close of ["FIN", "RST"] as const) {
        const asked = nextRequest("chat/completions");
        const tab = await openTab(product.url, protocol, newQuestion());
        const request = await asked();
        await tab.hasText;
        if (close === "FIN") tab.socket.destroy();
        else tab.socket.resetAndDestroy();
        await endsPromptly(request);
      }
    },
    60_000,
  );

  it.each(streams)(
    "who leave a stream of plain HTTP at %s end it as well",
    async (path, bodyOf) => {
      provider.set(slowly);
      const asked = nextRequest("chat/completions");
      const page = new AbortController();
      const headers = { "content-type": "application/json", accept: "text/event-stream" };
      const body = JSON.stringify(bodyOf(newQuestion()));
      const response = await fetch(product.url + path, { method: "POST", headers, body, signal: page.signal });
      const reader = response.body!.getReader();
      const request = await asked();
      for (let text = ""; !text.includes("wor");) {
        const { done, value } = await reader.read();
        if (done) throw new Error(`${response.status} ${text}`);
        text += Buffer.from(value).toString();
      }
      page.abort();
      await endsPromptly(request);
    },
    60_000,
  );

  it.each(["HTTP/1.1", "HTTP/2"] as const)(
    "who stop reading over %s and stay are cut, and so is the provider's call",
    async (protocol) => {
      const stalled = () => metric(/^quartet_rpc_server_readers_stalled_total/);
      const before = await stalled();
      provider.set({ answer: [`${"가".repeat(5_000)} `], tokens: 100_000 });
      const asked = nextRequest("chat/completions");
      const tab = await openTab(product.url, protocol, newQuestion());
      tab.pause();
      const request = await asked();
      await request.closed;
      expect(request.leftEarly).toBe(true);
      await until(async () => (await stalled()) === before + 1);
      tab.socket.destroy();
    },
    60_000,
  );

  it.each(streams)(
    "who stop reading a stream of plain HTTP at %s and stay are cut as well",
    async (path, bodyOf) => {
      provider.set({ answer: [`${"가".repeat(5_000)} `], tokens: 100_000 });
      const asked = nextRequest("chat/completions");
      const { port, hostname } = new URL(product.url);
      const socket = connect(Number(port), hostname).pause();
      socket.on("error", () => undefined);
      const body = JSON.stringify(bodyOf(newQuestion()));
      const headers = `host: localhost\r\ncontent-type: application/json\r\naccept: text/event-stream\r\ncontent-length: ${body.length}`;
      socket.write(`POST ${path} HTTP/1.1\r\n${headers}\r\n\r\n${body}`);
      const request = await asked();
      await request.closed;
      expect(request.leftEarly).toBe(true);
      socket.destroy();
    },
    60_000,
  );

  it("who leave end it within a second, wherever the machine leaves them that", async () => {
    provider.set(slowly);
    const tookMs = await soonestMs(1_000, async () => {
      const asked = nextRequest("chat/completions");
      const caller = new AbortController();
      const answer = ask(caller.signal);
      const request = await asked();
      await until(() => answer.text !== "");
      const leftAt = performance.now();
      caller.abort();
      await request.closed;
      await answer.done;
      return request.closedAt! - leftAt;
    });
    expect(tookMs).toBeLessThan(1_000);
  }, 60_000);

  it("who have no time are answered when it is over, and nobody works on", async () => {
    provider.set({ hang: true });
    const before = provider.requests.length;
    const began = performance.now();
    const asking = quartet.answers.answerQuestion({ question: newQuestion() }, { timeoutMs: 50 });
    await expect(asking).rejects.toMatchObject({ code: "deadline_exceeded" });
    expect(performance.now() - began).toBeLessThan(PROMPTLY_MS);
    const made = provider.requests.slice(before);
    expect(made.length).toBeLessThanOrEqual(1);
    for (const request of made) await endsPromptly(request);
  }, 60_000);
});

interface Tab {
  readonly socket: Socket;
  /** Resolves with the first text of the answer. */
  readonly hasText: Promise<void>;
  /** Reads no more, and keeps the connection. */
  pause(): void;
}

/** Asks as a page does that reads a stream of Connect. */
async function openTab(url: string, protocol: "HTTP/1.1" | "HTTP/2", question: string): Promise<Tab> {
  const { hostname, port, host } = new URL(url);
  const path = `/${AnswerService.typeName}/StreamAnswerQuestion`;
  const json = Buffer.from(JSON.stringify({ answer: { question } }));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(json.byteLength, 1);
  const body = Buffer.concat([head, json]);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => undefined);
  const { promise: hasText, resolve } = Promise.withResolvers<void>();
  const onData = (bytes: Buffer) => bytes.includes("textDelta") && resolve();
  if (protocol === "HTTP/1.1") {
    socket.on("data", onData);
    const headers = `host: ${host}\r\ncontent-type: application/connect+json\r\ncontent-length: ${body.byteLength}`;
    socket.write(`POST ${path} HTTP/1.1\r\n${headers}\r\n\r\n`);
    socket.write(body);
    return { socket, hasText, pause: () => socket.pause() };
  }
  const session = http2.connect(url, { createConnection: () => socket });
  session.on("error", () => undefined);
  const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/connect+json" });
  stream.on("error", () => undefined).on("data", onData);
  stream.end(body);
  return { socket, hasText, pause: () => void stream.pause() };
}
