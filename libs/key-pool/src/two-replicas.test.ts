import { afterEach, beforeEach, expect, it, jest } from "@jest/globals";
import { createMarks, createRedis, type Redis } from "@quartet/redis";
import { createMetrics } from "@quartet/telemetry";
import { createTcpProxy, type FakeProvider, startFakeProvider, type TestKeyPrefix, until } from "@quartet/testing";
import { describeWithStores } from "@quartet/testing/jest";
import { httpVerdict } from "./http-verdict.ts";
import type { KeyAttempt } from "./attempt-context.ts";
import { createKeyPool, type KeyPool } from "./key-pool.ts";

class Refused extends Error {
  readonly status: number;
  readonly headers: Headers;
  readonly code: unknown;
  constructor({ status, headers }: Response, body: { error?: { code?: unknown } }) {
    super(`HTTP ${status}`);
    this.status = status;
    this.headers = headers;
    this.code = body.error?.code;
  }
}

const keys = ["sk-canary-1", "sk-canary-2", "sk-canary-3"] as const;

// Hundreds of calls over sockets, however busy the machine.
jest.setTimeout(120_000);

describeWithStores("two replicas", ["redis"], ({ redis: server }) => {
  let prefix: TestKeyPrefix;
  let provider: FakeProvider;
  const opened: Redis[] = [];
  beforeEach(async () => {
    prefix = server.createPrefix();
    const limited = { limit: { requests: 20, perMs: 600_000 } };
    provider = await startFakeProvider({ keys: { [keys[0]]: limited, [keys[1]]: {}, [keys[2]]: {} } });
  });
  afterEach(async () => {
    for (const redis of opened.splice(0)) await redis.close();
    await prefix.drop();
    await provider.close();
  });

  /** A replica with a connection of its own, as in another process. */
  const start = async ({ url = server.url, timeoutMs = 5_000, waitsForRedis = true } = {}): Promise<KeyPool> => {
    const redis = createRedis({
      ...{ url, timeoutMs, keyPrefix: prefix.prefix, name: "test", log: { info: () => {}, warn: () => {} } },
      metrics: createMetrics({ component: "test", processMetrics: false }),
    });
    opened.push(redis);
    if (waitsForRedis) await until(() => redis.up);
    return createKeyPool({
      keys: keys.map((value, index) => ({ label: `key-${index + 1}`, value })),
      classify: httpVerdict,
      sharing: { marks: createMarks({ redis, name: "key-rests" }), scope: provider.baseUrl },
    });
  };

  const callWith =
    (tells: boolean) =>
    async (key: string, { signal, heard }: KeyAttempt): Promise<void> => {
      const reply = await fetch(`${provider.baseUrl}/embeddings`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: JSON.stringify({ model: "m", input: "a" }),
        signal,
      });
      const body = (await reply.json()) as object;
      if (tells) heard(reply.headers);
      if (!reply.ok) throw new Refused(reply, body);
    };

  /** So many calls, by turns of both replicas, each with so many at once. Gives the errors. */
  const load = async (pools: readonly KeyPool[], { calls = 300, atOnce = 1, tells = false } = {}) => {
    const errors: unknown[] = [];
    let begun = 0;
    const worker = async (pool: KeyPool) => {
      while (begun++ < calls) await pool.run(callWith(tells)).catch((error: unknown) => errors.push(error));
    };
    await Promise.all(pools.flatMap((pool) => Array.from({ length: atOnce }, () => worker(pool))));
    return errors;
  };
  const seen = (index: number) => provider.requests.filter(({ key }) => key === keys[index]).length;
  const limitedHits = () => seen(0) - 20;

  it.each([
    { tells: false, atOnce: 1, most: 2 },
    { tells: true, atOnce: 1, most: 2 },
    { tells: true, atOnce: 8, most: 8 },
  ])("behave as one pool: told what is left $tells, $atOnce at once each", async ({ tells, atOnce, most }) => {
    const pools = [await start(), await start()];
    expect(await load(pools, { tells, atOnce })).toEqual([]);
    expect(limitedHits()).toBeLessThanOrEqual(most);
    expect(Math.abs(seen(1) - seen(2)) / Math.max(seen(1), seen(2))).toBeLessThan(0.05);
  });

  it("learn of rests, empty windows and dead keys from each other before they pay for it", async () => {
    const [one, two] = [await start(), await start()];
    for (let count = 0; count < 3; count++) await two.run(callWith(true));
    // Replies of the first replica use up the window, and the last one says so.
    for (let count = 0; count < 57; count++) await one.run(callWith(true));
    expect(seen(0)).toBe(20);
    provider.next({ error: { status: 401, type: "invalid_request_error", code: "invalid_api_key", message: "no" } });
    await one.run(callWith(true));
    const state = (pool: KeyPool) => pool.usage().map((key) => key.state);
    const dead = state(one).indexOf("refused");
    expect(dead).toBeGreaterThan(0);
    const before = [seen(0), seen(dead)];
    // What is known is too old then, so that even the first call asks.
    await new Promise((resolve) => setTimeout(resolve, 600));
    for (let count = 0; count < 6; count++) await two.run(callWith(true));
    expect([seen(0), seen(dead)]).toEqual(before);
    expect([state(two)[0], state(two)[dead]]).toEqual(["resting", "refused"]);
  });

  it("each hold the rule where there is no Redis", async () => {
    const nowhere = { url: "redis://127.0.0.1:1", timeoutMs: 50, waitsForRedis: false };
    expect(await load([await start(nowhere), await start(nowhere)])).toEqual([]);
    expect(limitedHits()).toBeLessThanOrEqual(2);
    expect(Math.abs(seen(1) - seen(2)) / Math.max(seen(1), seen(2))).toBeLessThan(0.05);
  });

  it.each(["hang", "refuse"] as const)("each hold the rule while Redis is lost: %s", async (kind) => {
    await using proxy = await createTcpProxy({ target: server.url });
    const given = { url: proxy.url(server.url), timeoutMs: 50 };
    const pools = [await start(given), await start(given)];
    expect(await load(pools, { calls: 30 })).toEqual([]);
    await proxy.set({ kind });
    expect(await load(pools, { calls: 270 })).toEqual([]);
    expect(limitedHits()).toBeLessThanOrEqual(2);
    expect(Math.abs(seen(1) - seen(2)) / Math.max(seen(1), seen(2))).toBeLessThan(0.05);
  });
});
