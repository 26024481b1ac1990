import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { providerErrors, startFakeProvider } from "@quartet/testing";
import type { FakeProvider } from "@quartet/testing";
import OpenAI, { APIConnectionError } from "openai";
import { httpVerdict } from "./http-verdict.ts";
import { createKeyPool } from "./key-pool.ts";
import type { KeyAttempt } from "./attempt-context.ts";
import type { KeyPool } from "./key-pool.ts";

/** The pool with the provider's own SDK in front of a server that answers as the provider does. */
describe("with an OpenAI-compatible provider", () => {
  let provider: FakeProvider;
  let pool: KeyPool;
  beforeEach(async () => {
    provider = await startFakeProvider();
    pool = createKeyPool({
      keys: ["canary-aaaa-1", "canary-bbbb-2", "canary-cccc-3"].map((value, index) => ({
        label: `key-${index + 1}`,
        value,
      })),
      classify: (error) => (error instanceof APIConnectionError ? { kind: "server" } : httpVerdict(error)),
      random: () => 0,
    });
  });
  afterEach(() => provider.close());

  const embed = async (apiKey: string, { signal }: KeyAttempt) => {
    const client = new OpenAI({ apiKey, baseURL: provider.baseUrl, maxRetries: 0, logLevel: "off" });
    return (await client.embeddings.create({ model: "m", input: "a" }, { signal })).data.length;
  };
  const chat = (apiKey: string, { signal }: KeyAttempt) => {
    const client = new OpenAI({ apiKey, baseURL: provider.baseUrl, maxRetries: 0, logLevel: "off" });
    return (async function* () {
      yield* await client.chat.completions.create(
        { model: "m", messages: [{ role: "user", content: "?" }], stream: true },
        { signal },
      );
    })();
  };
  const keysHit = () => provider.requests.map(({ key }) => key.at(-1));
  const states = () => pool.usage().map(({ state }) => state);

  it("rests a key as the headers say and goes on with the next", async () => {
    provider.next({ error: providerErrors.rateLimit({ retryAfterMs: 30_000 }) });
    expect(await pool.run(embed)).toBe(1);
    expect(keysHit()).toEqual(["1", "2"]);
    expect(states()).toEqual(["resting", "ready", "ready"]);
    expect(pool.usage()[0]!.restMs).toBeGreaterThan(29_000);
    expect(pool.usage()[0]!.restMs).toBeLessThanOrEqual(30_000);
  });

  it("takes refused and exhausted keys out, and shows nothing of them when none is left", async () => {
    provider.next(
      { error: providerErrors.auth("canary-aaaa-1") },
      { error: providerErrors.quota() },
      { error: providerErrors.auth("canary-cccc-3") },
    );
    const error = await pool.run(embed).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name: "NoKeyAvailableError", kind: "out-of-quota" });
    expect(states()).toEqual(["refused", "out-of-quota", "refused"]);
    expect(`${(error as Error).stack}${String((error as Error).cause)}${JSON.stringify(error)}`).not.toContain(
      "canary",
    );
  });

  it("makes at most three attempts on a failing server, and none after the first token", async () => {
    provider.set({ error: providerErrors.server(503) });
    await expect(pool.run(embed)).rejects.toMatchObject({ status: 503 });
    expect(keysHit()).toEqual(["1", "2", "3"]);
    provider.set({ error: undefined, answer: ["a", "b"], cut: { afterPieces: 1, by: "reset" } });
    const texts: string[] = [];
    const reading = (async () => {
      for await (const { choices } of pool.stream(chat)) texts.push(choices[0]?.delta.content ?? "");
    })();
    await expect(reading).rejects.toThrow();
    expect(texts.join("")).toBe("a");
    expect(provider.requests).toHaveLength(4);
  });

  it("tries a connection that is refused on every key, and gives its error", async () => {
    await provider.close();
    await expect(pool.run(embed)).rejects.toBeInstanceOf(APIConnectionError);
    expect(pool.usage().map(({ errors }) => errors)).toEqual([1, 1, 1]);
    provider = await startFakeProvider();
  });

  it("closes the provider's socket when the reader leaves", async () => {
    provider.set({ endless: true });
    for await (const _ of pool.stream(chat)) break;
    await provider.requests[0]!.closed;
    expect(provider.requests[0]!.leftEarly).toBe(true);
  });
});
