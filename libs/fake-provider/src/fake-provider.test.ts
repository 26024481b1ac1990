import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import OpenAI, { APIConnectionError } from "openai";
import { providerErrors } from "./provider-errors.ts";
import { fakeVector } from "./fake-embeddings.ts";
import { startFakeProvider } from "./fake-provider.ts";
import type { FakeProvider } from "./fake-provider.ts";

const model = "fake-model";
let provider: FakeProvider;
beforeEach(async () => {
  provider = await startFakeProvider();
});
afterEach(() => provider.close());

const client = (apiKey = "sk-1") => new OpenAI({ apiKey, baseURL: provider.baseUrl, maxRetries: 0, logLevel: "off" });
const ask = (content: string, signal?: AbortSignal) =>
  client().chat.completions.create(
    { model, messages: [{ role: "user", content }], stream: true, stream_options: { include_usage: true } },
    signal ? { signal } : {},
  );
const read = async (stream: AsyncIterable<OpenAI.ChatCompletionChunk>) => {
  const result = { text: "", finish: null as string | null, tokens: 0, error: undefined as unknown };
  try {
    for await (const { choices, usage } of stream) {
      result.text += choices[0]?.delta.content ?? "";
      result.finish ??= choices[0]?.finish_reason ?? null;
      result.tokens = usage?.total_tokens ?? result.tokens;
    }
  } catch (error) {
    result.error = error;
  }
  return result;
};
const caught = (work: PromiseLike<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );
const embed = (input: string[], more: { dimensions?: number; encoding_format?: "float" } = {}) =>
  client().embeddings.create({ model, input, ...more });

describe("chat", () => {
  it("quotes the first passage and cites it, in either form of prompt", async () => {
    const tagged =
      '<passages>\n<passage number="1" title="가격">\n가격은 3만원이다. 부가세 별도.\n</passage>\n</passages>';
    expect((await read(await ask(tagged))).text).toBe("가격은 3만원이다. [1]");
    const plain = "[1] Rollo led them. He was a Viking.\n[2] Other text.\n\nQuestion: who?";
    expect((await read(await ask(plain))).text).toBe("Rollo led them. [1]");
    expect((await read(await ask("who?"))).text).toBe("There are no passages to answer from.");
  });

  it("streams pieces, finish_reason and usage, and answers without streaming", async () => {
    provider.set({ answer: ["안녕", "하세요"], finishReason: "length" });
    expect(await read(await ask("?"))).toMatchObject({ text: "안녕하세요", finish: "length", error: undefined });
    const whole = await client().chat.completions.create({ model, messages: [{ role: "user", content: "?" }] });
    expect(whole.choices[0]).toMatchObject({ message: { content: "안녕하세요" }, finish_reason: "length" });
    expect(whole.usage?.total_tokens).toBeGreaterThan(1);
    expect((await read(await ask("?"))).tokens).toBe(whole.usage?.total_tokens);
  });

  it("paces the pieces", async () => {
    provider.set({ answer: ["a", "b", "c"], firstPieceMs: 30, pieceMs: 30 });
    const startedAt = performance.now();
    await read(await ask("?"));
    expect(performance.now() - startedAt).toBeGreaterThan(80);
  });

  it.each(["\n", "\r\n"] as const)("sends whole characters in split writes, with line end %j", async (lineEnd) => {
    provider.set({ answer: "한국어 😀 답변", writeBytes: 5, lineEnd });
    expect(await read(await ask("?"))).toMatchObject({ text: "한국어 😀 답변", finish: "stop" });
  });

  it.each([
    ["end", undefined],
    ["fin", /terminated/],
    ["reset", /terminated/],
    ["error", /The server had an error/],
    ["garbage", /malformed/],
  ] as const)("cuts a stream by %s", async (by, message) => {
    provider.set({ answer: ["a", "b", "c"], cut: { afterPieces: 2, by } });
    const result = await read(await ask("?"));
    expect(result).toMatchObject({ text: "ab", finish: null });
    if (message) expect(String(result.error)).toMatch(message);
    else expect(result.error).toBeUndefined();
  });

  it.each([{ cut: { afterPieces: 1, by: "stall" } }, { endless: true }, { hang: true }] as const)(
    "sees the client leave: %j",
    async (behaviour) => {
      provider.set({ answer: ["a"], ...behaviour });
      const caller = new AbortController();
      const reading = ask("?", caller.signal)
        .then(read)
        .catch(() => {});
      await provider.arrived(1);
      const [request] = provider.requests;
      expect(request).toMatchObject({ closedAt: undefined, leftEarly: false });
      caller.abort();
      await reading;
      await request!.closed;
      expect(request!.leftEarly).toBe(true);
      expect(request!.closedAt).toBeGreaterThan(request!.at);
    },
  );
});

describe("embeddings", () => {
  const cosine = (left: readonly number[], right: readonly number[]) =>
    left.reduce((sum, component, index) => sum + component * right[index]!, 0);

  it("gives vectors of length 1 that depend on the text alone, in base64 as the SDK asks and as numbers", async () => {
    const { data, usage } = await embed(["환불 정책 안내", "환불 정책", "weather"]);
    expect(provider.requests[0]!.body).toMatchObject({ encoding_format: "base64" });
    const [one, two, other] = data.map(({ embedding }) => embedding);
    expect(one).toHaveLength(64);
    expect(cosine(one!, one!)).toBeCloseTo(1, 5);
    expect(cosine(one!, two!)).toBeGreaterThan(cosine(one!, other!) + 0.2);
    expect(usage.prompt_tokens).toBeGreaterThan(0);
    const numbers = await embed(["환불 정책"], { encoding_format: "float", dimensions: 16 });
    expect(numbers.data[0]!.embedding).toEqual([...fakeVector("환불 정책", 16)]);
  });

  it("gives wrong ones when asked", async () => {
    provider.next({ vectors: "reordered" }, { vectors: "fewer" }, { vectors: "shorter" }, { vectors: "not-finite" });
    const indexes = (reply: OpenAI.CreateEmbeddingResponse) => reply.data.map(({ index }) => index);
    expect(indexes(await embed(["a", "b"]))).toEqual([1, 0]);
    expect(indexes(await embed(["a", "b"]))).toEqual([0]);
    expect((await embed(["a", "b"])).data.map(({ embedding }) => embedding.length)).toEqual([64, 63]);
    expect((await embed(["a"])).data[0]!.embedding[0]).toBeNaN();
    provider.next({ vectors: "not-finite" });
    expect((await embed(["a"], { encoding_format: "float" })).data[0]!.embedding[0]).toBe(Infinity);
    expect(indexes(await embed(["a", "b"]))).toEqual([0, 1]);
  });
});

describe("errors", () => {
  it.each([
    [providerErrors.rateLimit({ retryAfterMs: 1_500 }), 429, "rate_limit_exceeded"],
    [providerErrors.quota(), 429, "insufficient_quota"],
    [providerErrors.auth("sk-canary-1234"), 401, "invalid_api_key"],
    [providerErrors.server(503), 503, null],
    [providerErrors.badRequest("no"), 400, null],
  ])("words them as the provider does: %j", async (error, status, code) => {
    provider.next({ error });
    const thrown = (await caught(ask("?"))) as InstanceType<typeof OpenAI.APIError>;
    expect(thrown).toMatchObject({ status, code, requestID: "req_fake_1" });
    expect(thrown.headers?.get("retry-after")).toBe(code === "rate_limit_exceeded" ? "2" : null);
    expect(await caught(ask("?"))).toBeUndefined();
  });

  it("limits a key, tells what remains, and knows no others", async () => {
    provider.set({ keys: { "sk-1": { limit: { requests: 2, perMs: 60_000 } }, "sk-2": {} }, models: [model] });
    const call = (key: string) => client(key).embeddings.create({ model, input: "a" }).asResponse();
    expect((await call("sk-1")).headers.get("x-ratelimit-remaining-requests")).toBe("1");
    await call("sk-1");
    const limited = (await caught(call("sk-1"))) as InstanceType<typeof OpenAI.RateLimitError>;
    expect(limited.status).toBe(429);
    expect(Number(limited.headers?.get("retry-after-ms"))).toBeGreaterThan(50_000);
    expect((await call("sk-2")).status).toBe(200);
    expect(await caught(call("sk-3"))).toMatchObject({ status: 401 });
    expect(provider.requests.map(({ key }) => key)).toEqual(["sk-1", "sk-1", "sk-1", "sk-2", "sk-3"]);
  });

  it("answers a page instead of JSON, an unknown model and an unknown path", async () => {
    provider.set({ models: ["other-model"] });
    expect(await caught(ask("?"))).toMatchObject({ status: 404, code: "model_not_found" });
    expect(await caught(client().files.list())).toMatchObject({ status: 404 });
    expect((await client().models.list()).data.map(({ id }) => id)).toEqual(["other-model"]);
    provider.set({ models: undefined, html: true });
    expect(await read(await ask("?"))).toMatchObject({ text: "", finish: null, error: undefined });
    provider.set({ html: undefined });
    expect((await read(await ask("?"))).finish).toBe("stop");
  });

  it("is gone once closed", async () => {
    const other = await startFakeProvider({ hang: true });
    const hanging = caught(new OpenAI({ apiKey: "k", baseURL: other.baseUrl, maxRetries: 0 }).models.list());
    await other.arrived(1);
    await other.close();
    expect(await hanging).toBeInstanceOf(APIConnectionError);
  });
});
