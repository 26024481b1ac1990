import { afterAll, afterEach, beforeAll, expect, it } from "@jest/globals";
import { createRedis, type Redis } from "@quartet/redis";
import { createLogger, createMetrics } from "@quartet/telemetry";
import { createTcpProxy, type TestKeyPrefix, until } from "@quartet/testing";
import { describeWithStores } from "@quartet/testing/jest";
import { CacheUse } from "@quartet/contracts/type/v1/search";
import { createSameRecord, idsOf, type Replica, type SameRecord, startReplica } from "./replica.ts";

/** Replicas that share results in Redis alone: each has a copy of one record, so that their states are the same until one of them changes it. */
describeWithStores("results of searches where Redis fails", ["redis"], ({ redis: server }) => {
  const endings: (() => Promise<unknown>)[] = [];
  let keys: TestKeyPrefix | undefined;
  const prefix = () => (keys ??= server.createPrefix()).prefix;
  afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
    await keys?.drop();
    keys = undefined;
  });

  let record: SameRecord;
  beforeAll(async () => void (record = await createSameRecord(documents)), 60_000);
  afterAll(async () => record[Symbol.asyncDispose]());
  const documents = [
    { id: "휴가", text: "연차 휴가는 1년에 15일이고 사흘 전에 신청한다." },
    { id: "cats", text: "Cats sleep for most of the day." },
    { id: "dogs", text: "Dogs bark at night." },
  ];
  const start = async (environment: Readonly<Record<string, string>> = {}): Promise<Replica> => {
    const shared = { REDIS_URL: server.url, QUARTET_REDIS_KEY_PREFIX: prefix() };
    const replica = await startReplica({ QUARTET_DATA_DIR: await record.copy(), ...shared, ...environment });
    endings.push(() => replica.close());
    return replica;
  };
  const startUp = async (environment?: Readonly<Record<string, string>>) => {
    const replica = await start(environment);
    await until(() => replica.isUp());
    return replica;
  };
  /** Redis past the service. */
  const openRedis = async (): Promise<Redis> => {
    const log = createLogger({ service: "test", destination: { write: () => {} } });
    const metrics = createMetrics({ component: "test", processMetrics: false });
    const redis = createRedis({ url: server.url, keyPrefix: prefix(), name: "test", timeoutMs: 10_000, log, metrics });
    endings.push(() => redis.close());
    await until(() => redis.up);
    return redis;
  };
  const keysOf = async (redis: Redis): Promise<string[]> => {
    const answer = await redis.send([["KEYS", `${prefix()}*`]], { use: "test" });
    const reply = answer.kind === "answered" ? answer.replies[0] : undefined;
    return reply !== undefined && "value" in reply ? (reply.value as Buffer[]).map(String) : [];
  };

  it("are given by one replica to another, until a document changes", async () => {
    const [one, two] = [await startUp(), await startUp()];
    // What stands for the record is learned beside the first searches.
    await one.search("to begin with");
    const first = await one.search("cats");
    expect([first.cached, idsOf(first)[0]]).toEqual([false, "cats"]);
    await until(async () => (await two.search("cats")).cached);
    const [again, others] = [await one.search("cats"), await two.search("cats")];
    expect([again.cached, others.cached]).toEqual([true, true]);
    const timeless = (answer: typeof first) => ({ ...answer, elapsed: undefined, cached: false });
    expect(timeless(again)).toEqual(timeless(first));
    expect(others.passages).toEqual(first.passages);
    await one.put([{ id: "cats", text: "Cats purr and sleep." }]);
    await one.settle();
    const changed = await one.search("cats");
    expect([changed.cached, changed.passages[0]!.text]).toEqual([false, "Cats purr and sleep."]);
    await one.delete(["cats"]);
    expect(idsOf(await one.search("cats"))).not.toContain("cats");
    expect((await one.figures()).invalidations).toBeGreaterThanOrEqual(2);
  });

  it("are read, filled, both or neither, as a request says", async () => {
    const one = await startUp();
    await one.search("cats");
    expect((await one.search("cats", { cacheUse: CacheUse.BYPASS })).cached).toBe(false);
    expect((await one.search("cats", { cacheUse: CacheUse.REFRESH })).cached).toBe(false);
    expect((await one.search("cats")).cached).toBe(true);
    await one.search("dogs", { cacheUse: CacheUse.BYPASS });
    expect((await one.search("dogs")).cached).toBe(false);
    await one.search("휴가", { cacheUse: CacheUse.REFRESH });
    expect((await one.search("휴가")).cached).toBe(true);
  });

  it("are done without where it is down at the start, and shared once it is there (C1)", async () => {
    await using proxy = await createTcpProxy({ target: server.url });
    await proxy.set({ kind: "refuse" });
    const one = await start({ REDIS_URL: proxy.url(server.url) });
    expect((await one.search("cats")).cached).toBe(false);
    expect((await one.search("cats")).cached).toBe(true);
    for (let round = 0; round < 5; round++) await one.search(`cats ${round}`);
    const { hits, bypasses } = await one.figures();
    expect([hits, bypasses > 0]).toEqual([1, true]);
    await proxy.set({ kind: "pass" });
    await until(() => one.isUp());
    const two = await startUp();
    await one.search("dogs");
    await until(async () => (await two.search("dogs")).cached);
    expect(one.lines.join("")).not.toMatch(/redis:\/\/|127\.0\.0\.1/);
  });

  it.each([{ kind: "hang" }, { kind: "delay", delayMs: 500 }] as const)(
    "cost those a moment who ask when it begins, and nobody else, where it is slow: %j (C2, C3)",
    async (fault) => {
      await using proxy = await createTcpProxy({ target: server.url });
      const one = await startUp({ REDIS_URL: proxy.url(server.url), QUARTET_REDIS_TIMEOUT: "50ms" });
      await proxy.set(fault);
      for (let count = 0; count < 50; count++) {
        const { cached, failures } = await one.search(`cats ${count}`);
        expect([cached, failures]).toEqual([false, []]);
      }
      const { bypasses } = await one.figures();
      expect(bypasses).toBeGreaterThan(40);
      expect((await one.search("cats 7")).cached).toBe(true);
    },
  );

  it("are searched for once a key and replica when everything is wiped under load (C4, C13)", async () => {
    // One entry in memory: what is asked for next pushes it out.
    const small = { QUARTET_SEARCH_CACHE_ENTRIES: "1" };
    const replicas = [await startUp(small), await startUp(small)];
    const originsOf = async () => await Promise.all(replicas.map((replica) => replica.origins()));
    const ask = () =>
      Promise.all(replicas.flatMap((replica) => Array.from({ length: 20 }, () => replica.search("cats"))));
    const before = await originsOf();
    await ask();
    for (const replica of replicas) await replica.search("pushes the other out of memory");
    const warm = await originsOf();
    expect(warm.every((count, index) => count - before[index]! <= 2)).toBe(true);
    await keys!.drop();
    const answers = await ask();
    expect(answers.every((answer) => idsOf(answer)[0] === "cats" && answer.failures.length === 0)).toBe(true);
    const after = await originsOf();
    expect(after.every((count, index) => count - warm[index]! <= 1)).toBe(true);
    expect((await replicas[0]!.figures()).coalesced).toBeGreaterThan(0);
  });

  it("are made anew where damaged, of another version or type, or 10 MB long, and never an error (C5)", async () => {
    const [one, redis] = [await startUp(), await openRedis()];
    const rubbish = [
      (key: string) => [["SET", key, "not a frame"]],
      (key: string) => [["SET", key, Buffer.from([1, 0, 0, 0, 0, 0, 123, 125])]],
      (key: string) => [["SETRANGE", key, 10_000_000, "x"]],
      (key: string) => [
        ["UNLINK", key],
        ["RPUSH", key, "x"],
      ],
    ] as const;
    for (const [round, write] of rubbish.entries()) {
      const query = `cats ${round}`;
      const before = new Set(await keysOf(redis));
      await one.search(query);
      await until(async () => (await keysOf(redis)).some((key) => !before.has(key)));
      const key = (await keysOf(redis)).find((each) => !before.has(each))!;
      await redis.send(write(key) as never, { use: "test" });
      const other = await startUp();
      const { cached, passages, failures } = await other.search(query);
      expect([cached, passages[0]?.documentId, failures]).toEqual([false, "cats", []]);
    }
  });

  it("are none of another tenant's, whose question, collection and state are the same (C6)", async () => {
    const [one, two] = [await startUp(), await startUp()];
    for (const replica of [one, two]) {
      await replica.put([{ id: "secret", text: "The canary-of-a sings." }], "a");
      await replica.put([{ id: "secret", text: "Nothing sings here." }], "b");
      for (const tenant of ["a", "b"]) await replica.settle(tenant);
    }
    expect(JSON.stringify((await one.search("sings", { tenant: "a" })).passages[0]!.text)).toContain("canary-of-a");
    await until(async () => (await two.search("sings", { tenant: "a" })).cached);
    for (const replica of [one, two]) {
      const { passages } = await replica.search("sings", { tenant: "b" });
      expect(passages.map(({ text }) => text)).toEqual(["Nothing sings here."]);
    }
    const redis = await openRedis();
    expect((await keysOf(redis)).filter((key) => /sings|canary/.test(key))).toEqual([]);
  });
});
