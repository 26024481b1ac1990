import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { Code, type ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "@quartet/contracts/google/rpc/error_details";
import { GenerationService } from "@quartet/contracts/generation/v1/generation_service";
import { type TokenUsage, TokenUsageSchema } from "@quartet/contracts/type/v1/usage";
import { reasonOf, retryDelayMsOf, violationsOf } from "@quartet/errors";
import { createClient, createInMemoryTransport } from "@quartet/rpc";
import { createLogger, createMetrics } from "@quartet/telemetry";
import { type FakeBehaviour, type FakeProvider, providerErrors, startFakeProvider } from "@quartet/testing";
import { createModule, parseConfig } from "../app.ts";

const messages = [
  { role: "system", content: "간단히 답하세요." },
  { role: "user", content: "연차는 며칠인가요?" },
];
const keys = { "sk-canary-1": {}, "sk-canary-2": {} };

let provider: FakeProvider;
const closers: (() => Promise<unknown> | undefined)[] = [];
beforeEach(async () => {
  provider = await startFakeProvider({ keys, answer: ["연차는 ", "15일", "입니다."] });
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await provider.close();
});

function serve(environment: Record<string, string> = {}) {
  const logged: string[] = [];
  const log = createLogger({ service: "generation", destination: { write: (line) => void logged.push(line) } });
  const metrics = createMetrics({ component: "generation", processMetrics: false });
  const config = parseConfig({
    OPENAI_BASE_URL: provider.baseUrl,
    OPENAI_API_KEY_1: "sk-canary-1",
    OPENAI_API_KEY_2: "sk-canary-2",
    QUARTET_GENERATION_MODEL: "fake-model",
    ...environment,
  });
  const module = createModule(config, { log, metrics });
  closers.push(
    () => module.stop?.(),
    async () => metrics.close(),
  );
  const transport = createInMemoryTransport(module.routes, { validate: true, logger: log });
  const client = createClient(GenerationService, transport);
  /** By whichever rpc is for the chat. */
  const relay = async (chat: object, options: { signal?: AbortSignal; timeoutMs?: number } = {}) => {
    const chunks: Chunk[] = [];
    let end: TokenUsage | undefined;
    let error: ConnectError | undefined;
    try {
      if (!("stream" in chat)) {
        const { json, usage } = await client.relayChat(requestOf(chat), options);
        chunks.push(JSON.parse(Buffer.from(json).toString()) as Chunk);
        end = usage;
      } else {
        for await (const { event } of client.streamRelayChat(requestOf(chat), options)) {
          if (event.case === "chunk") {
            for (const line of Buffer.from(event.value).toString().split("\n")) chunks.push(JSON.parse(line) as Chunk);
          } else if (event.case === "end") end = event.value;
        }
      }
    } catch (thrown) {
      error = thrown as ConnectError;
    }
    return { chunks, end, error, text: chunks.map(textOf).join("") };
  };
  return { relay, logged, client };
}

interface Chunk {
  readonly object: string;
  readonly usage?: object | null;
  readonly choices: readonly {
    readonly delta?: { readonly content?: string };
    readonly finish_reason?: string | null;
  }[];
}

const requestOf = (chat: object) => ({ body: Buffer.from(JSON.stringify(chat)) });
const textOf = ({ choices }: Chunk): string => choices[0]?.delta?.content ?? "";
const chat = { model: "fake-model", messages };
const streamed = { ...chat, stream: true };
const bodiesSent = () => provider.requests.map(({ body }) => body as Record<string, unknown>);

describe("a chat that is passed on", () => {
  it("comes back whole, in the provider's own words", async () => {
    const { chunks, end } = await serve().relay({ ...chat, user: "user-7", seed: 5 });
    expect(chunks[0]).toMatchObject({
      object: "chat.completion",
      choices: [{ message: { content: "연차는 15일입니다." }, finish_reason: "stop" }],
    });
    expect(bodiesSent()).toEqual([{ ...chat, user: "user-7", seed: 5 }]);
    expect(end).toMatchObject({ callCount: 1, estimated: false });
    expect(end!.inputTokenCount).toBeGreaterThan(0);
  });

  it("comes back piece by piece, without what the client did not ask for", async () => {
    const { chunks, end, text } = await serve().relay(streamed);
    expect(text).toBe("연차는 15일입니다.");
    expect(chunks.at(-1)!.choices[0]!.finish_reason).toBe("stop");
    expect(chunks.some(({ usage }) => usage)).toBe(false);
    expect(bodiesSent()).toEqual([{ ...streamed, stream_options: { include_usage: true } }]);
    expect(end).toMatchObject({ callCount: 1, estimated: false });
  });

  it("comes in messages of a size that every host takes, however slowly it is read", async () => {
    provider.set({ answer: ["가".repeat(100_000)], tokens: 40 });
    const { client } = serve({ QUARTET_GENERATION_MAX_CHARACTERS: "100000" });
    const sizes: number[] = [];
    for await (const { event } of client.streamRelayChat(requestOf(streamed))) {
      if (event.case === "chunk") sizes.push(event.value.byteLength);
      // What comes meanwhile goes on together, as far as there is room for it.
      await sleep(20);
    }
    expect(sizes.reduce((sum, size) => sum + size)).toBeGreaterThan(40 * 300_000);
    expect(Math.max(...sizes)).toBeLessThan(4 * 1024 ** 2);
  });

  it("tells the usage to a client that asks for it", async () => {
    const { chunks } = await serve().relay({ ...streamed, stream_options: { include_usage: true } });
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: expect.any(Number) } });
  });

  it("has several choices, and ends with the last of them", async () => {
    const { chunks, end } = await serve().relay({ ...streamed, n: 2 });
    expect(chunks.filter(({ choices }) => choices[0]?.finish_reason).length).toBe(2);
    expect(end).toMatchObject({ estimated: false });
  });

  it("is whole without its usage, which is estimated then", async () => {
    provider.set({ usage: "none" });
    const { relay } = serve();
    expect((await relay(streamed)).end).toMatchObject({ estimated: true, outputTokenCount: expect.any(Number) });
    expect((await relay(chat)).end).toMatchObject({ estimated: true });
  });

  it("leaves its connection to the next one", async () => {
    const { relay } = serve({ OPENAI_CONNECTION_POOL_SIZE: "1" });
    for (const body of [chat, streamed, { ...streamed, stream_options: { include_usage: true } }]) await relay(body);
    expect(provider.requests.map(({ leftEarly }) => leftEarly)).toEqual([false, false, false]);
  });

  it("gets the operator's longest reply", async () => {
    const { relay } = serve({ QUARTET_RELAY_MAX_TOKENS: "64" });
    await relay(chat);
    expect(bodiesSent()).toEqual([{ ...chat, max_tokens: 64 }]);
    const { error } = await relay({ ...chat, max_tokens: 65 });
    expect(violationsOf(error)).toEqual([{ field: "max_tokens", description: "must be a whole number from 1 to 64" }]);
  });
});

describe("a chat that is refused", () => {
  it("is asked for whole though it is streamed, or the other way round", async () => {
    const { client } = serve();
    const errors = [
      await client.relayChat(requestOf(streamed)).catch((error: unknown) => error),
      await client
        .streamRelayChat(requestOf(chat))
        .next()
        .catch((error: unknown) => error),
    ];
    expect(errors.map((error) => violationsOf(error).map(({ field }) => field))).toEqual([["stream"], ["stream"]]);
    expect(provider.requests).toEqual([]);
  });

  it("breaks the rules, and no key is spent on it", async () => {
    const { error } = await serve().relay({ ...chat, temperature: 99 });
    expect([error!.code, reasonOf(error)]).toEqual([Code.InvalidArgument, "FIELD_INVALID"]);
    expect(violationsOf(error)).toEqual([{ field: "temperature", description: "must be from 0 to 2" }]);
    expect(provider.requests).toEqual([]);
  });

  it("is for a model that is not allowed, or where none is", async () => {
    const { error } = await serve({ QUARTET_RELAY_MODELS: "small, large" }).relay(chat);
    expect([error!.code, reasonOf(error)]).toEqual([Code.InvalidArgument, "MODEL_UNKNOWN"]);
    for (const environment of [
      { QUARTET_RELAY_MODELS: "none" },
      { OPENAI_BASE_URL: "", OPENAI_API_KEY_1: "", OPENAI_API_KEY_2: "" },
    ]) {
      const { error: off } = await serve(environment).relay(chat);
      expect([off!.code, reasonOf(off)]).toEqual([Code.Unimplemented, "NOT_ENABLED"]);
    }
    expect(provider.requests).toEqual([]);
  });

  it("is one that the provider does not take, which says why in names and in no words of its own", async () => {
    provider.set({ contextTokens: 1 });
    const { relay, logged } = serve();
    const { error } = await relay(chat);
    expect([error!.code, reasonOf(error)]).toEqual([Code.InvalidArgument, "FIELD_INVALID"]);
    expect(error!.findDetails(ErrorInfoSchema)[0]!.metadata).toEqual({ providerCode: "context_length_exceeded" });
    expect(error!.rawMessage).toContain("longer than the model can read");
    provider.set({
      contextTokens: undefined as never,
      error: providerErrors.badRequest("your key sk-canary-1 may not"),
    });
    const worded = await relay(chat);
    expect(worded.error!.code).toBe(Code.InvalidArgument);
    expect(`${worded.error!.rawMessage} ${logged.join()}`).not.toContain("canary");
    expect(provider.requests).toHaveLength(2);
  });

  it("is for a model that the provider does not have", async () => {
    provider.set({ error: providerErrors.notFound("no such model") });
    const { error } = await serve().relay({ ...chat, model: "gone" });
    expect([error!.code, reasonOf(error)]).toEqual([Code.NotFound, "MODEL_UNKNOWN"]);
  });
});

describe("a provider that fails while a chat is passed on", () => {
  it.each<[string, string, FakeBehaviour]>([
    ["a stream", "LLM_AUTH", { error: providerErrors.auth("sk-canary-1") }],
    ["a stream", "LLM_QUOTA", { error: providerErrors.quota() }],
    ["a stream", "LLM_RATE_LIMIT", { error: providerErrors.rateLimit({ retryAfterMs: 30_000 }) }],
    ["a stream", "LLM_UNAVAILABLE", { error: providerErrors.server(503) }],
    ["a stream", "LLM_PROTOCOL", { html: true }],
    ["a stream", "LLM_PROTOCOL", { cut: { afterPieces: 0, by: "garbage" } }],
    ["a stream", "LLM_UNAVAILABLE", { cut: { afterPieces: 0, by: "error" } }],
    ["a stream", "STREAM_TRUNCATED", { cut: { afterPieces: 0, by: "end" } }],
    ["a whole reply", "LLM_PROTOCOL", { html: true }],
    ["a whole reply", "STREAM_TRUNCATED", { cut: { afterPieces: 0, by: "fin" } }],
    ["a whole reply", "LLM_UNAVAILABLE", { error: providerErrors.server(500) }],
  ])("says so before the first word of %s: %s %j", async (what, reason, behaviour) => {
    provider.set(behaviour);
    const { relay, logged } = serve();
    const { chunks, end, error } = await relay(what === "a stream" ? streamed : chat);
    expect([reasonOf(error), chunks, end]).toEqual([reason, [], undefined]);
    expect(provider.requests.length).toBeLessThanOrEqual(3);
    expect(`${error!.rawMessage} ${logged.join()}`).not.toMatch(/canary|127\.0\.0\.1/);
  });

  it("is asked again with another key, as long as nothing was passed on", async () => {
    provider.next({ error: providerErrors.rateLimit({ retryAfterMs: 5_000 }) });
    const { text, end } = await serve().relay(streamed);
    expect([text, end!.callCount]).toEqual(["연차는 15일입니다.", 2]);
    expect(new Set(provider.requests.map(({ key }) => key)).size).toBe(2);
    // The role alone is nothing yet.
    provider.next({ cut: { afterPieces: 0, by: "fin" } });
    const again = await serve().relay(streamed);
    expect([again.text, again.end!.callCount]).toEqual(["연차는 15일입니다.", 2]);
  });

  it("says at once when keys return", async () => {
    provider.set({ error: providerErrors.rateLimit({ retryAfterMs: 30_000 }) });
    const { error } = await serve().relay(chat);
    expect(retryDelayMsOf(error)).toBeGreaterThan(25_000);
  });

  it.each<[string, FakeBehaviour["cut"]]>([
    ["STREAM_TRUNCATED", { afterPieces: 2, by: "end" }],
    ["STREAM_TRUNCATED", { afterPieces: 2, by: "fin" }],
    ["STREAM_TRUNCATED", { afterPieces: 2, by: "reset" }],
    ["LLM_UNAVAILABLE", { afterPieces: 2, by: "error" }],
    ["LLM_PROTOCOL", { afterPieces: 2, by: "garbage" }],
    ["STREAM_STALLED", { afterPieces: 2, by: "stall" }],
  ])("never ends a reply that has begun as if it were whole: %s %j", async (reason, cut) => {
    provider.set({ cut: cut! });
    const { text, end, error } = await serve({ QUARTET_GENERATION_STALL_TIMEOUT: "100ms" }).relay(streamed);
    expect([reasonOf(error), end]).toEqual([reason, undefined]);
    expect("연차는 15일입니다.").toContain(text);
    expect(text).not.toBe("");
    expect(provider.requests).toHaveLength(1);
    expect(error!.findDetails(TokenUsageSchema)[0]).toMatchObject({ callCount: 1, estimated: true });
  });

  it("is given up where it goes on and on", async () => {
    provider.set({ endless: true, answer: ["가".repeat(5_000)] });
    const { relay } = serve({ QUARTET_GENERATION_MAX_CHARACTERS: "100" });
    expect(reasonOf((await relay(streamed)).error)).toBe("LLM_PROTOCOL");
    expect(reasonOf((await relay(chat)).error)).toBe("LLM_PROTOCOL");
    for (const { closed } of provider.requests) await closed;
  });

  it("is given up where it does not begin, and a whole reply at the deadline", async () => {
    provider.set({ hang: true });
    const { relay } = serve({ QUARTET_GENERATION_FIRST_TOKEN_TIMEOUT: "500ms" });
    expect(reasonOf((await relay(streamed)).error)).toBe("LLM_TTFT");
    expect(reasonOf((await relay(chat, { timeoutMs: 300 })).error)).toBe("OUT_OF_TIME");
    for (const { closed } of provider.requests) await closed;
  });

  it.each<[string, object, FakeBehaviour]>([
    ["before the headers", streamed, { hang: true }],
    ["before the first word", streamed, { firstPieceMs: 60_000 }],
    ["within the reply", streamed, { endless: true, answer: "on ", pieceMs: 5 }],
    ["before the whole reply", chat, { firstPieceMs: 60_000 }],
  ])("is left by a caller who leaves: %s", async (_when, body, behaviour) => {
    provider.set(behaviour);
    const caller = new AbortController();
    const asked = serve().relay(body, { signal: caller.signal });
    await provider.arrived(1);
    const left = performance.now();
    caller.abort();
    expect((await asked).error!.code).toBe(Code.Canceled);
    await provider.requests[0]!.closed;
    expect(provider.requests[0]!.closedAt! - left).toBeLessThan(10_000);
  });

  it("is left by a reader who reads no further", async () => {
    provider.set({ endless: true, answer: "on ", pieceMs: 5 });
    const { client } = serve();
    for await (const _ of client.streamRelayChat(requestOf(streamed))) break;
    await provider.requests[0]!.closed;
  });
});
