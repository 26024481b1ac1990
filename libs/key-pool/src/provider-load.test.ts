import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { type FakeProvider, startFakeProvider } from "@quartet/testing";
import { httpVerdict } from "./http-verdict.ts";
import type { KeyAttempt } from "./attempt-context.ts";
import { createKeyPool, type KeyPool } from "./key-pool.ts";
import { NoKeyAvailableError } from "./no-key-available-error.ts";

/** What a provider answers with an error. */
class Refused extends Error {
  readonly status: number;
  readonly headers: Headers;
  constructor({ status, headers }: Response) {
    super(`HTTP ${status}`);
    this.status = status;
    this.headers = headers;
  }
}

// Hundreds of calls over sockets, however busy the machine.
jest.setTimeout(120_000);

const keys = ["sk-canary-1", "sk-canary-2", "sk-canary-3"];
let provider: FakeProvider;
afterEach(() => provider.close());

const build = (count = 3): KeyPool =>
  createKeyPool({
    keys: keys.slice(0, count).map((value, index) => ({ label: `key-${index + 1}`, value })),
    classify: (error) => (error instanceof TypeError ? { kind: "server" } : httpVerdict(error)),
  });

/** One call as an adapter makes it. Where the provider is not to tell what is left, only the time to return gets through. */
const call =
  (tells: boolean) =>
  async (key: string, { signal, heard }: KeyAttempt): Promise<void> => {
    const reply = await fetch(`${provider.baseUrl}/embeddings`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "m", input: "a" }),
      signal,
    });
    await reply.arrayBuffer();
    if (tells) heard(reply.headers);
    if (!reply.ok) throw new Refused(reply);
  };

async function load(pool: KeyPool, { calls, atOnce, tells }: { calls: number; atOnce: number; tells: boolean }) {
  const errors: unknown[] = [];
  let begun = 0;
  const worker = async () => {
    while (begun++ < calls) await pool.run(call(tells)).catch((error: unknown) => errors.push(error));
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return errors;
}

const limited = { limit: { requests: 20, perMs: 60_000 } };

describe("three keys at a provider, one limited to 20 calls a minute, and 300 calls", () => {
  it.each([
    { tells: true, atOnce: 1, most: 0 },
    { tells: false, atOnce: 1, most: 1 },
    { tells: true, atOnce: 50, most: 0 },
    // As many as are on their way to it when it is refused for the first time.
    { tells: false, atOnce: 50, most: 17 },
  ])(
    "told what is left: $tells, at once: $atOnce: at most $most 429s and no errors",
    async ({ tells, atOnce, most }) => {
      provider = await startFakeProvider({ keys: { [keys[0]!]: limited, [keys[1]!]: {}, [keys[2]!]: {} } });
      const pool = build();
      expect(await load(pool, { calls: 300, atOnce, tells })).toEqual([]);
      const [first, second, third] = pool.usage();
      expect(first!.calls - first!.errors).toBe(20);
      expect(first!.errors).toBeLessThanOrEqual(most);
      expect(provider.requests.filter(({ key }) => key === keys[0])).toHaveLength(20 + first!.errors);
      expect(Math.abs(second!.calls - third!.calls) / Math.max(second!.calls, third!.calls)).toBeLessThan(0.05);
      expect(first).toMatchObject({ state: "resting", rests: 1, limitGroup: "" });
    },
  );
});

describe("all keys limited", () => {
  it("refuses at once, with the time to return, after no more calls than there are keys", async () => {
    const shared = { limit: { requests: 4, perMs: 60_000, group: "acme" }, organization: "acme" };
    provider = await startFakeProvider({ keys: { [keys[0]!]: shared, [keys[1]!]: shared } });
    const pool = build(2);
    expect(await load(pool, { calls: 4, atOnce: 1, tells: true })).toEqual([]);
    const before = provider.requests.length;
    const errors = await load(pool, { calls: 20, atOnce: 5, tells: true });
    expect(errors).toHaveLength(20);
    for (const error of errors) expect(error).toBeInstanceOf(NoKeyAvailableError);
    expect((errors[0] as NoKeyAvailableError).retryAfterMs).toBeGreaterThan(40_000);
    expect(provider.requests.length - before).toBeLessThanOrEqual(2);
  });
});
