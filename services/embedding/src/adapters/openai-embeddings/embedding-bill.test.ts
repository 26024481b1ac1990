import { describe, expect, it } from "@jest/globals";
import { createKeyPool, type KeyPool } from "@quartet/key-pool";
import { classify, ConnectionError, ErrorReply, ProtocolError, StreamBrokenError } from "@quartet/provider";
import type { Usage } from "../../domain/embedder.ts";
import { createOpenAiEmbedder } from "./openai-embedder.ts";

type Answer = (texts: readonly string[], signal: AbortSignal) => Promise<unknown>;

const { signal } = new AbortController();
const text = "열두 바이트";
const guessed = { inputTokens: Math.ceil(Buffer.byteLength(text) / 4), estimated: true };
const replyWith =
  (usage?: unknown, embedding: unknown = [1, 0]): Answer =>
  async (texts) => ({ data: texts.map((_, index) => ({ index, embedding })), usage });
const fails =
  (error: Error): Answer =>
  () =>
    Promise.reject(error);
const hangs: Answer = (_, own) =>
  new Promise((_resolve, reject) => own.addEventListener("abort", () => reject(own.reason as Error)));
/** Waits for a connection until it is given up. */
const waits: Answer = (texts, own) => hangs(texts, own);

/** What was told of the bill, and what the key has used; two nano-dollars a token. */
async function embed(answers: readonly Answer[], { timeoutMs = 60_000, texts = [text], aborting = signal } = {}) {
  const keys: KeyPool = createKeyPool({ keys: [{ label: "key-1", value: "k" }], classify, random: () => 0 });
  let calls = 0;
  const embedder = createOpenAiEmbedder({
    client: {
      create: (_key, given, attempt) => {
        const answer = answers[calls++]!;
        if (answer !== waits) attempt.sent?.();
        return answer(given, attempt.signal);
      },
    },
    keys,
    model: "m",
    dimensions: 2,
    maxTextCharacters: 100,
    batchTexts: 1,
    batchBytes: 1_000,
    batchesAtOnce: 2,
    timeoutMs,
    denseWeight: 0.3,
    cacheThreshold: 2,
    costOf: ({ inputTokens }) => 2 * inputTokens,
  });
  const told: Usage[] = [];
  const options = {
    tenant: "t",
    purpose: "QUERY",
    signal: aborting,
    onUsage: (usage: Usage) => told.push(usage),
  } as const;
  const result = await embedder.embed(texts, options).catch(() => undefined);
  const { inputTokens, costNanos } = keys.usage()[0]!;
  expect(costNanos).toBe(inputTokens === 0 ? undefined : 2 * inputTokens);
  expect(inputTokens).toBe(told.reduce((sum, usage) => sum + usage.inputTokens, 0));
  return { told, usage: result?.usage };
}

describe("the bill of texts", () => {
  it("is what the provider tells, with the calls that it took", async () => {
    const usage = { inputTokens: 7, calls: 2, estimated: false };
    const server = fails(new ErrorReply({ status: 503 }));
    expect(await embed([server, replyWith({ prompt_tokens: 7 })])).toEqual({ told: [usage], usage });
    expect(await embed([server, replyWith({ prompt_tokens: 0, total_tokens: 7 })])).toEqual({ told: [usage], usage });
  });

  it.each([undefined, null, "7", {}, 0, -7, 0.5, "7", NaN, Infinity, 10 ** 9, Number.MAX_SAFE_INTEGER])(
    "is estimated where the provider tells that it took %p tokens",
    async (prompt_tokens) => {
      const usage = { ...guessed, calls: 1 };
      expect(await embed([replyWith({ prompt_tokens, total_tokens: prompt_tokens })])).toEqual({
        told: [usage],
        usage,
      });
    },
  );

  it("holds vectors that are of no use, by what the provider tells", async () => {
    const { told } = await embed([replyWith({ prompt_tokens: 7 }, [1, null])]);
    expect(told).toEqual([{ inputTokens: 7, calls: 1, estimated: false }]);
  });

  it("holds what was sent and is not waited for any longer, as its caller left or its time is over", async () => {
    const left = new AbortController();
    setTimeout(() => left.abort(new Error("left")), 20);
    expect((await embed([hangs], { aborting: left.signal })).told).toEqual([{ ...guessed, calls: 1 }]);
    expect((await embed([hangs], { timeoutMs: 30 })).told).toEqual([{ ...guessed, calls: 1 }]);
  });

  it("is empty where the call was given up before it went out", async () => {
    expect((await embed([waits], { timeoutMs: 30 })).told).toEqual([]);
  });

  it("holds the other batches of a list of which one fails", async () => {
    const { told } = await embed([hangs, fails(new ErrorReply({ status: 400 }))], { texts: ["other", text] });
    expect(told).toEqual([{ inputTokens: 2, calls: 1, estimated: true }]);
  });

  it("holds each reply that broke off", async () => {
    const broken = fails(new StreamBrokenError());
    const usage = { inputTokens: guessed.inputTokens + 7, calls: 2, estimated: true };
    expect(await embed([broken, replyWith({ prompt_tokens: 7 })])).toEqual({ told: [usage], usage });
    expect((await embed([fails(new ProtocolError("no JSON"))])).told).toEqual([{ ...guessed, calls: 1 }]);
  });

  it.each([
    new ErrorReply({ status: 400 }),
    new ErrorReply({ status: 401 }),
    new ErrorReply({ status: 429 }),
    new ErrorReply({ status: 500 }),
    new ConnectionError(Object.assign(new Error("no"), { code: "ECONNREFUSED" })),
  ])("is empty after %s", async (error) => {
    expect((await embed([fails(error), fails(error), fails(error)])).told).toEqual([]);
  });
});
