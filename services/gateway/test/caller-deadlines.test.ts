import * as http2 from "node:http2";
import type { HandlerContext } from "@connectrpc/connect";
import { Code } from "@connectrpc/connect";
import { AnswerService } from "@quartet/contracts/gateway/v1/answer_service";
import { SearchService } from "@quartet/contracts/gateway/v1/search_service";
import { createClient } from "@quartet/rpc";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { failure } from "./failure.ts";
import { hang, passages, text, end } from "./fakes.ts";
import { openOnPort } from "./open-gateway.ts";
import { createProcesses } from "./processes.ts";
import { ways } from "./ways.ts";

const question = "휴가는 며칠입니까?";
/** What the gateway grants those who ask for nothing, and the most that anybody gets. */
const [defaultMs, maxMs] = [30_000, 300_000];

/** The gateway before services of their own processes, and how long each of their calls was granted. */
async function openAll() {
  const processes = createProcesses();
  const gateway = await openOnPort({}, { reach: processes.reach });
  const granted = new Map<string, number | undefined>();
  const note = (name: string, { timeoutMs }: HandlerContext) => void granted.set(name, timeoutMs());
  const { behaviour } = gateway.inner;
  const reset = () => {
    granted.clear();
    behaviour.embed = async (_request, context) => note("embed", context);
    behaviour.search = async (_request, context) => {
      note("search", context);
      return { passages };
    };
    behaviour.compress = async (request, context) => {
      note("compress", context);
      return request.passages;
    };
    behaviour.generate = async function* (_request, context) {
      note("generate", context);
      yield text("14일 [2]");
      yield end;
    };
  };
  reset();
  return {
    gateway,
    granted,
    reset,
    async close() {
      await gateway[Symbol.asyncDispose]();
      await processes[Symbol.asyncDispose]();
    },
  };
}

let all: Awaited<ReturnType<typeof openAll>>;
beforeAll(async () => {
  all = await openAll();
});
afterEach(() => all.reset());
afterAll(() => all.close());

describe.each(ways)("a caller's deadline, %s", (_, open) => {
  it("is the default where there is none, and every service is told what is left of it", async () => {
    const { transport, close } = open(all.gateway.url);
    const answer = await createClient(AnswerService, transport).answerQuestion({ question });
    expect(answer.degradations).toEqual([]);
    expect([...all.granted.keys()]).toEqual(["embed", "search", "compress", "generate"]);
    for (const leftMs of all.granted.values()) {
      expect(leftMs).toBeGreaterThan(0);
      expect(leftMs).toBeLessThanOrEqual(defaultMs);
    }
    close();
  });

  it("that is too short for the work ends the call and the work", async () => {
    const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
    all.gateway.inner.behaviour.search = (_request, { signal }) => {
      signal.addEventListener("abort", () => stop());
      return hang(signal);
    };
    const { transport, close } = open(all.gateway.url);
    const began = performance.now();
    const search = createClient(SearchService, transport);
    const error = await failure(search.searchPassages({ query: question }, { timeoutMs: 200 }));
    expect(error.code).toBe(Code.DeadlineExceeded);
    // The default would be 30 s.
    expect(performance.now() - began).toBeLessThan(10_000);
    await stopped;
    close();
  });

  it("that nothing can be done in is refused before anybody is asked", async () => {
    const { transport, close } = open(all.gateway.url);
    const answers = createClient(AnswerService, transport);
    const before = all.gateway.inner.calls.length;
    const error = await failure(answers.answerQuestion({ question }, { timeoutMs: 50 }));
    expect(error.code).toBe(Code.DeadlineExceeded);
    expect(all.gateway.inner.calls.slice(before)).not.toContain("generate");
    close();
  });
});

const path = `/${SearchService.typeName}/SearchPassages`;
const message = JSON.stringify({ query: question });

/** One message in gRPC's envelope. */
function enveloped(json: string): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(Buffer.byteLength(json), 1);
  return Buffer.concat([head, Buffer.from(json)]);
}

/** How each protocol says it, and the code that comes back; 0 where there is an answer. */
const raw: Readonly<Record<string, (url: string, timeout: string) => Promise<number>>> = {
  async Connect(url, timeout) {
    const headers = { "content-type": "application/json", "connect-timeout-ms": timeout };
    const response = await fetch(url + path, { method: "POST", headers, body: message });
    const body = (await response.json()) as { code?: string };
    return response.ok
      ? 0
      : { invalid_argument: Code.InvalidArgument, deadline_exceeded: Code.DeadlineExceeded }[body.code!]!;
  },
  async "gRPC-Web"(url, timeout) {
    const headers = { "content-type": "application/grpc-web+json", "grpc-timeout": timeout };
    const response = await fetch(url + path, { method: "POST", headers, body: enveloped(message) as never });
    const body = Buffer.from(await response.arrayBuffer()).toString("latin1");
    return Number(response.headers.get("grpc-status") ?? /grpc-status: ?(\d+)/.exec(body)?.[1]);
  },
  async gRPC(url, timeout) {
    const session = http2.connect(url);
    try {
      const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc+json", te: "trailers" };
      const stream = session.request({ ...headers, "grpc-timeout": timeout });
      const statuses: unknown[] = [];
      for (const event of ["response", "trailers"]) stream.on(event, (given) => statuses.push(given["grpc-status"]));
      stream.end(enveloped(message));
      await stream.toArray();
      return Number(statuses.find((status) => status !== undefined));
    } finally {
      session.close();
    }
  },
};

describe.each(Object.entries(raw))("an absurd deadline over %s", (name, call) => {
  const isConnect = name === "Connect";
  const forms = (connect: string[], grpc: string[]) => (isConnect ? connect : grpc);

  it.each(forms(["3600000", "9999999999"], ["1H", "99999999H", "99999999S"]))(
    "is cut to the longest: %s",
    async (timeout) => {
      expect(await call(all.gateway.url, timeout)).toBe(0);
      expect(all.granted.get("search")).toBeLessThanOrEqual(maxMs);
    },
  );

  it.each(forms(["-1", "abc", "1e9", "99999999999", "Infinity"], ["-1S", "abc", "100", "999999999S", "1e3S", "S"]))(
    "is no deadline: %s",
    async (timeout) => {
      expect(await call(all.gateway.url, timeout)).toBe(Code.InvalidArgument);
      expect(all.granted.has("search")).toBe(false);
    },
  );

  it("of nothing at all is over", async () => {
    expect(await call(all.gateway.url, isConnect ? "0" : "0m")).toBe(Code.DeadlineExceeded);
    expect(all.granted.has("search")).toBe(false);
  });
});
