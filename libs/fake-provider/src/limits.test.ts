import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import OpenAI from "openai";
import type { FakeBehaviour, FakeLimit } from "./behaviour.ts";
import { type FakeProvider, startFakeProvider } from "./fake-provider.ts";
import { createKeyLimits } from "./key-limits.ts";

let provider: FakeProvider;
beforeEach(async () => {
  provider = await startFakeProvider();
});
afterEach(() => provider.close());

/** The reply as it is, whatever its status. */
async function call(key = "sk-1", more: object = {}) {
  const response = await fetch(`${provider.baseUrl}/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify({ model: "gpt-fake", messages: [{ role: "user", content: "What is it?" }], ...more }),
  });
  const { error } = (await response.json()) as { error?: { message: string; type: string; code: string } };
  return { status: response.status, headers: response.headers, error };
}
const statuses = async (count: number, key?: string) => {
  const all: number[] = [];
  for (let made = 0; made < count; made++) all.push((await call(key)).status);
  return all;
};

describe("windows", () => {
  it("ends when it says, and begins anew with the next request", () => {
    let now = 5_000;
    const limits = createKeyLimits(() => now);
    const take = () =>
      limits.take({ key: "k", limit: { requests: 2, perMs: 60_000 }, model: "m", organization: "o", tokens: 1 });
    expect(take().headers).toEqual({
      "x-ratelimit-limit-requests": "2",
      "x-ratelimit-remaining-requests": "1",
      "x-ratelimit-reset-requests": "1m0s",
    });
    now += 18_500;
    expect(take().headers).toMatchObject({ "x-ratelimit-reset-requests": "41.5s" });
    expect(take().error?.headers).toEqual({ "retry-after": "42", "retry-after-ms": "41500" });
    now += 41_500;
    expect(take().error).toBeUndefined();
  });
});

describe("a key's limit", () => {
  it("on tokens counts the prompt, or max_tokens where that is more, and is worded as the provider does", async () => {
    provider.set({ limit: { tokens: 100 }, organization: "org-acme" });
    const first = await call("sk-1", { max_tokens: 60 });
    expect(Object.fromEntries(first.headers)).toMatchObject({
      "openai-organization": "org-acme",
      "x-ratelimit-limit-tokens": "100",
      "x-ratelimit-remaining-tokens": "40",
    });
    expect(first.headers.get("x-ratelimit-reset-tokens")).toMatch(/^(1m0|5\d\.?\d*)s$/);
    const second = await call("sk-1", { max_tokens: 60 });
    expect(second).toMatchObject({ status: 429, error: { type: "tokens", code: "rate_limit_exceeded" } });
    expect(second.error!.message).toMatch(
      /^Rate limit reached for gpt-fake in organization org-acme on tokens per min \(TPM\): Limit 100, Used 60, Requested 60\. Please try again in \d/,
    );
    const tooLarge = await call("sk-2", { max_tokens: 101 });
    expect(tooLarge.error!.message).toMatch(/^Request too large for gpt-fake .*Limit 100, Requested 101\./);
    expect(tooLarge.headers.get("retry-after")).toBeNull();
  });

  it("is its own, or is shared by a group", async () => {
    provider.set({ limit: { requests: 1 } });
    expect([...(await statuses(2, "sk-1")), ...(await statuses(2, "sk-2"))]).toEqual([200, 429, 200, 429]);
    const group: FakeLimit = { requests: 1, group: "org" };
    provider.set({ limit: undefined, keys: { a: { limit: group }, b: { limit: group }, c: {} } });
    expect([...(await statuses(1, "a")), ...(await statuses(1, "b")), ...(await statuses(1, "c"))]).toEqual([
      200, 429, 200,
    ]);
  });

  it("on calls at a time refuses the second, and is free once the first is over", async () => {
    provider.set({ limit: { concurrent: 1 }, hang: true });
    const caller = new AbortController();
    const client = new OpenAI({ apiKey: "sk-1", baseURL: provider.baseUrl, maxRetries: 0 });
    const first = client.embeddings
      .create({ model: "m", input: "a" }, { signal: caller.signal })
      .catch(() => undefined);
    await provider.arrived(1);
    provider.set({ hang: undefined });
    const second = await call();
    expect(second.error!.message).toContain("on concurrent requests: Limit 1, Used 1, Requested 1.");
    expect(second.headers.get("retry-after")).toBe("1");
    caller.abort();
    await first;
    await provider.requests[0]!.closed;
    expect(await statuses(20)).toEqual(Array(20).fill(200));
  });

  it("on calls at a time lets others wait for their turn, and forgets those that leave", async () => {
    provider.set({ limit: { concurrent: 1, whenBusy: "wait" }, delayMs: 30 });
    const caller = new AbortController();
    const left = fetch(`${provider.baseUrl}/embeddings`, {
      method: "POST",
      headers: { authorization: "Bearer sk-1" },
      body: JSON.stringify({ model: "m", input: "a" }),
      signal: caller.signal,
    }).catch(() => undefined);
    const all = Promise.all(Array.from({ length: 4 }, () => call()));
    await provider.arrived(5);
    caller.abort();
    await left;
    expect((await all).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    await Promise.all(provider.requests.map(({ closed }) => closed));
    // Timers are never early: four replies of 30 ms, one after the other.
    const chats = provider.requests.filter(({ path }) => path.endsWith("completions"));
    const lastAt = Math.max(...chats.map(({ closedAt }) => closedAt!));
    expect(lastAt - Math.min(...chats.map(({ at }) => at))).toBeGreaterThan(4 * 28);
  });

  it("on the length of a prompt refuses a longer one", async () => {
    provider.set({ contextTokens: 10 });
    const refused = await call("sk-1", { messages: [{ role: "user", content: "word ".repeat(100) }] });
    expect(refused).toMatchObject({ status: 400, error: { code: "context_length_exceeded" } });
    expect(refused.error!.message).toContain(
      "maximum context length is 10 tokens. However, your messages resulted in 129",
    );
    expect((await call()).status).toBe(200);
  });
});

describe("a key", () => {
  it.each<[string, FakeBehaviour]>([
    ["invalid_api_key", {}],
    [
      "insufficient_quota",
      { error: { status: 429, type: "insufficient_quota", code: "insufficient_quota", message: "" } },
    ],
  ])("that cannot be used: %s", async (code, behaviour) => {
    provider.set({ keys: { known: {}, poor: behaviour } });
    expect((await call(code === "invalid_api_key" ? "sk-other-key" : "poor")).error!.code).toBe(code);
    expect((await call("known")).status).toBe(200);
  });

  it("must be there where keys are known", async () => {
    provider.set({ keys: { known: {} } });
    const response = await fetch(`${provider.baseUrl}/models`);
    expect(response.status).toBe(401);
    expect(await response.text()).toContain("You didn't provide an API key.");
  });
});
