import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { createTcpProxy, type TestKeyPrefix, until } from "@quartet/testing";
import { describeWithStores } from "@quartet/testing/jest";
import { toFrame } from "./frame.ts";
import { createSharedCache } from "./shared-cache.ts";
import { isUp, openRedis } from "./test/set-up.ts";

const codec = {
  encode: (value: string) => Buffer.from(value),
  decode: (bytes: Buffer) => (bytes.includes("bad") ? undefined : bytes.toString()),
};
const MAX_BYTES = 1_000;

describeWithStores("a cache in Redis", ["redis"], ({ redis: server }) => {
  let keys: TestKeyPrefix;
  const replicas: ReturnType<typeof openReplica>[] = [];
  beforeEach(() => void (keys = server.createPrefix()));
  afterEach(async () => {
    for (const { redis } of replicas.splice(0)) await redis.close();
    await keys.drop();
  });

  const openReplica = (url = server.url, { version = 1, maxEntries = 100, timeoutMs = 0 } = {}) => {
    const opened = openRedis({ url, keyPrefix: keys.prefix, ...(timeoutMs && { timeoutMs }) });
    const cache = createSharedCache({
      redis: opened.redis,
      metrics: opened.metrics,
      name: "texts",
      version,
      codec,
      maxValueBytes: MAX_BYTES,
      queue: { maxEntries },
    });
    return { ...opened, cache };
  };
  const start = async (...given: Parameters<typeof openReplica>) => {
    const replica = openReplica(...given);
    replicas.push(replica);
    await isUp(replica.redis);
    return replica;
  };
  const write = async ({ cache }: ReturnType<typeof openReplica>, values: Record<string, string>, ttlMs = 60_000) => {
    for (const [name, value] of Object.entries(values)) cache.setLater(name, value, { ttlMs });
    await until(async () => (await cache.getMany(Object.keys(values))).every(({ kind }) => kind === "hit"));
  };

  it("gives one replica what another has written, in the order asked for", async () => {
    const [one, two] = [await start(), await start()];
    await write(one, { a: "가격은 3만원", b: "두 번째" });
    expect(await two.cache.getMany(["b", "nobody's", "a"])).toEqual([
      { kind: "hit", value: "두 번째" },
      { kind: "miss" },
      { kind: "hit", value: "가격은 3만원" },
    ]);
    expect(await two.cache.getMany([])).toEqual([]);
    expect(two.cache.counts).toEqual({ hits: 2, misses: 1, bypasses: 0 });
    expect(await two.figure('quartet_shared_cache_reads_total{cache="texts",outcome="hit"}')).toBe(2);
  });

  it("forgets in time, and all at once", async () => {
    const replica = await start();
    await write(replica, { a: "1" }, 30_000);
    const [reply] = [await replica.redis.send([["PTTL", replica.redis.key("texts:v1:a")]], { use: "test" })];
    expect(reply).toMatchObject({ kind: "answered" });
    const left = reply.kind === "answered" && "value" in reply.replies[0]! ? Number(reply.replies[0].value) : 0;
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(30_000);
    await keys.drop();
    expect(await replica.cache.getMany(["a"])).toEqual([{ kind: "miss" }]);
  });

  it("takes for a miss, and deletes, what is none of its values", async () => {
    const replica = await start();
    const { redis, cache, figure } = replica;
    const key = (name: string) => redis.key(`texts:v1:${name}`);
    const whole = toFrame(1, Buffer.from("fine"));
    const flipped = Buffer.from(whole);
    flipped[8]! ^= 1;
    await redis.send(
      [
        ["SET", key("damaged"), flipped],
        ["SET", key("cut"), whole.subarray(0, 8)],
        ["SET", key("older"), toFrame(0, Buffer.from("fine"))],
        ["SET", key("foreign"), "a text of somebody else's"],
        ["SET", key("undecodable"), toFrame(1, Buffer.from("bad"))],
        ["SETRANGE", key("10 MB"), 10_000_000, "x"],
        ["RPUSH", key("list"), "x"],
        ["HSET", key("hash"), "x", "y"],
        ["SET", key("fine"), whole],
      ],
      { use: "test" },
    );
    const names = ["damaged", "cut", "older", "foreign", "undecodable", "10 MB", "list", "hash"];
    expect(await cache.getMany([...names, "fine"])).toEqual([
      ...names.map(() => ({ kind: "miss" })),
      { kind: "hit", value: "fine" },
    ]);
    expect(await figure('quartet_shared_cache_reads_total{cache="texts",outcome="invalid"}')).toBe(names.length);
    const there = async () => await redis.send([["EXISTS", ...names.map(key)]], { use: "test" });
    await until(async () => JSON.stringify(await there()).includes('"value":0'));
  });

  it("deletes what matches a pattern, under one start, and nothing besides", async () => {
    const replica = await start();
    const names = [
      "acme:규정@1.1:h:",
      "acme:규정@1.1:h:tax",
      "acme:안내@1.1:h:",
      "acme2:규정@1.1:h:",
      "a*me:x",
      "a[c]me:y",
    ];
    await write(replica, Object.fromEntries(names.map((name) => [name, name])));
    const left = async () => {
      const reads = await replica.cache.getMany(names);
      return names.filter((_, index) => reads[index]!.kind === "hit");
    };
    const { signal } = new AbortController();
    const without = (...gone: string[]) => names.filter((name) => !gone.includes(name));
    expect(await replica.cache.deleteMatching("acme:", "*:tax", { signal })).toBe(1);
    expect(await left()).toEqual(without(names[1]!));
    expect(await replica.cache.deleteMatching("acme:", "규정@?.1*", { signal })).toBe(0);
    expect(await replica.cache.deleteMatching("a*me:", "", { signal })).toBe(1);
    expect(await replica.cache.deleteMatching("a[c]me:", "", { signal })).toBe(1);
    expect(await replica.cache.deleteMatching("acme:", "", { signal })).toBe(2);
    expect(await left()).toEqual([names[3]]);
    const many = Object.fromEntries(Array.from({ length: 90 }, (_, index) => [`many:${index}`, "x"]));
    await write(replica, many);
    expect(await replica.cache.deleteMatching("many:", "", { signal })).toBe(90);
  });

  it("says so where Redis did not delete all", async () => {
    await using proxy = await createTcpProxy({ target: server.url });
    const replica = await start(proxy.url(server.url), { timeoutMs: 2_000 });
    const { signal } = new AbortController();
    await proxy.set({ kind: "refuse" });
    expect(await replica.cache.deleteMatching("acme:", "", { signal })).toBeUndefined();
    const gone = AbortSignal.abort(new Error("gone"));
    await expect(replica.cache.deleteMatching("acme:", "", { signal: gone })).rejects.toThrow("gone");
  });

  it("keeps releases with different codecs out of each other's way", async () => {
    const [old, fresh] = [await start(), await start(server.url, { version: 2 })];
    await write(old, { a: "old" });
    await write(fresh, { a: "fresh" });
    expect(await old.cache.getMany(["a"])).toEqual([{ kind: "hit", value: "old" }]);
    expect(await fresh.cache.getMany(["a"])).toEqual([{ kind: "hit", value: "fresh" }]);
  });

  it("neither waits nor keeps more than its bound where Redis hangs, and drops what is too long", async () => {
    await using proxy = await createTcpProxy({ target: server.url });
    const replica = await start(proxy.url(server.url), { maxEntries: 10, timeoutMs: 50 });
    await proxy.set({ kind: "hang" });
    for (let count = 0; count < 500; count++) replica.cache.setLater(`n${count}`, "x", { ttlMs: 1_000 });
    replica.cache.setLater("long", "x".repeat(MAX_BYTES + 1), { ttlMs: 1_000 });
    expect(replica.cache.waiting).toBeLessThanOrEqual(10);
    const written = (outcome: string) =>
      replica.figure(`quartet_shared_cache_writes_total{cache="texts",outcome="${outcome}"}`);
    expect(await written("dropped")).toBeGreaterThanOrEqual(480);
    await until(async () => (await written("failed")) + (await written("dropped")) === 500);
    expect(await replica.cache.getMany(["n1"])).toEqual([{ kind: "bypassed" }]);
    await replica.cache.close(100);
  });
});
