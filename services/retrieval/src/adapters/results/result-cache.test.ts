import { afterEach, describe, expect, it } from "@jest/globals";
import { createRedis, type RedisCommand } from "@quartet/redis";
import { createLogger, createMetrics } from "@quartet/telemetry";
import { createTcpProxy, type TestKeyPrefix, until } from "@quartet/testing";
import { describeWithStores } from "@quartet/testing/jest";
import { createResultCache, type ResultCacheOptions } from "./result-cache.ts";
import { resultName } from "./result-name.ts";
import { collectionAt, resultOf, searchOf } from "./test/samples.ts";

const metrics = createMetrics({ component: "retrieval", processMetrics: false });
const log = createLogger({ service: "retrieval", destination: { write: () => {} } });
const { signal } = new AbortController();
const open = (options: Partial<ResultCacheOptions> = {}) =>
  createResultCache({ maxEntries: 100, maxBytes: 1024 ** 2, ttlMs: 60_000, metrics, ...options });
const answer = resultOf("15일이다.");

describe("results in memory", () => {
  it("are found by an equal search, for the same state of the same tenant's documents", async () => {
    const cache = open();
    cache.put(searchOf(), answer);
    expect(await cache.get(searchOf(), { signal })).toBe(answer);
    expect(await cache.get(searchOf({ request: { query: "다른 질문" } }), { signal })).toBeUndefined();
    expect(await cache.get(searchOf({ tenant: "b" }), { signal })).toBeUndefined();
    cache.coalesced();
    expect(cache.figures()).toMatchObject({ hits: 1, misses: 2, coalesced: 1, bypasses: 0, entries: 1 });
    expect(cache.figures().bytes).toBeGreaterThan(1_000);
  });

  it("are dropped once a newer state of one of their collections is seen, and only those", async () => {
    const cache = open();
    const [rules, guide] = [collectionAt("규정", 3), collectionAt("안내", 1)];
    const both = searchOf({ collections: [rules, guide] });
    const guideAlone = searchOf({ collections: [guide] });
    for (const search of [both, searchOf(), guideAlone]) cache.put(search, answer);
    const newer = searchOf({ collections: [collectionAt("규정", 4), guide] });
    expect(await cache.get(newer, { signal })).toBeUndefined();
    expect(cache.figures()).toMatchObject({ entries: 1, invalidations: 2, evictions: 0 });
    expect(await cache.get(guideAlone, { signal })).toBe(answer);
    // One who read the state before the change, and is late, is not told what came after, nor takes away what is newer.
    cache.put(newer, answer);
    expect(await cache.get(both, { signal })).toBeUndefined();
    cache.put(both, answer);
    expect(await cache.get(newer, { signal })).toBe(answer);
  });

  it("are dropped as a whole for a search over many collections", async () => {
    const cache = open();
    const at = (seq: number) =>
      searchOf({
        collections: Array.from({ length: 40 }, (_, index) => collectionAt(`c${index}`, index === 7 ? seq : 1)),
      });
    cache.put(at(1), answer);
    expect(await cache.get(at(1), { signal })).toBe(answer);
    expect(await cache.get(at(2), { signal })).toBeUndefined();
    expect(cache.figures()).toMatchObject({ entries: 0, invalidations: 1 });
  });

  it("go with the graph where it had a part in them, and are not kept where its state is not known", async () => {
    const cache = open();
    for (const graphState of [undefined, 1] as const) cache.put(searchOf({ graphState }), answer);
    expect(await cache.get(searchOf({ graphState: 2 }), { signal })).toBeUndefined();
    expect(cache.figures()).toMatchObject({ entries: 1, invalidations: 1 });
    expect(await cache.get(searchOf(), { signal })).toBe(answer);
    cache.put(searchOf({ graphState: "unknown" }), answer);
    expect(await cache.get(searchOf({ graphState: "unknown" }), { signal })).toBeUndefined();
  });

  it("are neither kept nor looked up while keywords lag behind the record", async () => {
    const cache = open();
    const lagging = searchOf({ collections: [collectionAt("규정", 4, 3)] });
    cache.put(lagging, answer);
    expect(await cache.get(lagging, { signal })).toBeUndefined();
    expect(cache.figures()).toMatchObject({ entries: 0, hits: 0, misses: 0 });
  });

  it("are bounded by number and by bytes", () => {
    const cache = open({ maxEntries: 10 });
    for (let each = 0; each < 100; each++) cache.put(searchOf({ request: { query: `${each}` } }), answer);
    expect(cache.figures()).toMatchObject({ entries: 10, evictions: 90 });
    const small = open({ maxBytes: 64 * 1024 });
    for (let each = 0; each < 100; each++) {
      small.put(searchOf({ request: { query: `${each}` } }), resultOf("x".repeat(10_000)));
    }
    expect(small.figures().bytes).toBeLessThanOrEqual(64 * 1024);
    expect(small.figures().entries).toBeGreaterThan(0);
    small.put(searchOf({ request: { query: "huge" } }), resultOf("x".repeat(100_000)));
    expect(small.figures().entries).toBeGreaterThan(0);
  });

  it("go by pattern, of one tenant alone", async () => {
    const cache = open();
    const [mine, others] = [searchOf({ tenant: "a" }), searchOf({ tenant: "ab" })];
    const tagged = searchOf({ tenant: "a", request: { filter: { kind: "tag", tag: "세금" } } });
    for (const search of [mine, others, tagged]) cache.put(search, answer);
    expect(await cache.invalidate({ tenant: "a", keyPattern: "안내@*" }, signal)).toBe(0);
    expect(await cache.invalidate({ tenant: "a", keyPattern: "*:세금" }, signal)).toBe(1);
    expect(await cache.invalidate({ tenant: "a", keyPattern: "" }, signal)).toBe(1);
    expect(await cache.get(others, { signal })).toBe(answer);
  });
});

describeWithStores("results in Redis", ["redis"], ({ redis: server }) => {
  const closers: (() => Promise<void>)[] = [];
  let keys: TestKeyPrefix;
  const prefix = () => (keys ??= server.createPrefix()).prefix;
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
    await keys.drop();
  });

  /** A replica, as far as it matters here. Nothing is late unless the test says when: the machine may be busy. */
  async function start({ url = server.url, timeoutMs = 10_000, recordId = "r" } = {}) {
    const redis = createRedis({ url, keyPrefix: prefix(), timeoutMs, name: "test", log, metrics });
    const cache = open({ redis, recordId: () => recordId });
    closers.push(async () => {
      await cache.close();
      await redis.close();
    });
    await until(() => redis.up);
    return { redis, cache };
  }
  const keyOf = ({ redis }: Awaited<ReturnType<typeof start>>, search = searchOf()) =>
    redis.key(`search:v1:${resultName(search, "r")}`);

  it("are found by other replicas, and there from memory", async () => {
    const [one, two] = [await start(), await start()];
    one.cache.put(searchOf(), answer);
    await until(async () => (await two.cache.get(searchOf(), { signal })) !== undefined);
    expect(await two.cache.get(searchOf(), { signal })).toEqual(answer);
    expect(two.cache.figures()).toMatchObject({ entries: 1 });
    const [ttl] = [await one.redis.send([["PTTL", keyOf(one)]], { use: "test" })];
    expect(JSON.stringify(ttl)).toMatch(/"value":[1-9]/);
  });

  it("are none of another record's, whose state is the same", async () => {
    const [one, two] = [await start(), await start()];
    one.cache.put(searchOf(), answer);
    await until(async () => (await two.cache.get(searchOf(), { signal })) !== undefined);
    const anew = await start({ recordId: "anew" });
    expect(await anew.cache.get(searchOf(), { signal })).toBeUndefined();
  });

  it("are none of another tenant's, though the search is the same (C6)", async () => {
    const [one, two] = [await start(), await start()];
    one.cache.put(searchOf({ tenant: "a" }), resultOf("canary-of-a"));
    await until(async () => (await two.cache.get(searchOf({ tenant: "a" }), { signal })) !== undefined);
    for (const { cache } of [one, two]) {
      expect(await cache.get(searchOf({ tenant: "b" }), { signal })).toBeUndefined();
    }
  });

  it("are made anew where something else lies in their place (C5)", async () => {
    const replica = await start();
    const key = keyOf(replica);
    const rubbish: readonly RedisCommand[] = [
      ["SET", key, "not a frame"],
      ["SET", key, Buffer.from([1, 0, 0, 0, 0, 0, 123, 125])],
      ["SETRANGE", key, 10_000_000, "x"],
      ["RPUSH", key, "a list"],
      ["HSET", key, "a", "hash"],
    ];
    for (const command of rubbish) {
      await replica.redis.send([["UNLINK", key], command], { use: "test" });
      expect(await replica.cache.get(searchOf(), { signal })).toBeUndefined();
      await until(async () => {
        const exists = await replica.redis.send([["EXISTS", key]], { use: "test" });
        return exists.kind === "answered" && JSON.stringify(exists.replies) === '[{"value":0}]';
      });
    }
    expect(replica.cache.figures()).toMatchObject({ hits: 0, misses: rubbish.length, bypasses: 0 });
  });

  it("are gone from memory and Redis by pattern, and from memory where Redis is away, which is said", async () => {
    await using proxy = await createTcpProxy({ target: server.url });
    const [one, two] = [await start(), await start({ url: proxy.url(server.url), timeoutMs: 1_000 })];
    one.cache.put(searchOf(), answer);
    await until(async () => (await two.cache.get(searchOf(), { signal })) !== undefined);
    expect(await one.cache.invalidate({ tenant: "default", keyPattern: "규정@*" }, signal)).toBe(1);
    expect(await one.cache.get(searchOf(), { signal })).toBeUndefined();
    expect(await two.cache.get(searchOf(), { signal })).toBeDefined();
    await proxy.set({ kind: "refuse" });
    await expect(two.cache.invalidate({ tenant: "default", keyPattern: "" }, signal)).rejects.toThrow("did not delete");
    expect(await two.cache.get(searchOf(), { signal })).toBeUndefined();
    expect(two.cache.figures()).toMatchObject({ entries: 0, bypasses: 1 });
  });
});
