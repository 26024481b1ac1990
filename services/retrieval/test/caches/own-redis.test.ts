import { afterAll, afterEach, beforeAll, expect, it } from "@jest/globals";
import { until } from "@quartet/testing";
import { describeWithStores } from "@quartet/testing/jest";
import { type OwnRedis, startOwnRedis } from "./own-redis.ts";
import { createSameRecord, idsOf, type Replica, type SameRecord, startReplica } from "./replica.ts";

/** What a Redis that tests share must not be made to do. That it is LOADING or BUSY is told in tests of libs/redis, by a server made for it. */
describeWithStores("results of searches while Redis itself", ["redis"], () => {
  let server: OwnRedis;
  let replicas: [Replica, Replica];
  let asked = 0;
  let record: SameRecord;
  beforeAll(async () => {
    record = await createSameRecord([{ id: "cats", text: "Cats sleep for most of the day." }]);
    server = await startOwnRedis();
  }, 60_000);
  afterAll(async () => record[Symbol.asyncDispose]());
  afterAll(async () => server[Symbol.asyncDispose](), 60_000);
  const start = async (): Promise<Replica> => {
    const replica = await startReplica({ QUARTET_DATA_DIR: await record.copy(), REDIS_URL: server.url });
    await until(() => replica.isUp());
    return replica;
  };
  beforeAll(async () => void (replicas = [await start(), await start()]), 60_000);
  afterAll(async () => {
    for (const replica of replicas) await replica.close();
  });

  /** One replica searches, and its memory answers from then on; nothing of it is an error. */
  const answers = async () => {
    const query = `cats ${(asked += 1)}`;
    const [first, again] = [await replicas[0].search(query), await replicas[0].search(query)];
    expect([first.cached, again.cached]).toEqual([false, true]);
    for (const answer of [first, again]) expect([idsOf(answer), answer.failures]).toEqual([["cats"], []]);
    return query;
  };
  /** What one replica finds from now on, the other has from Redis. */
  const untilShared = () =>
    until(async () => {
      const query = `cats ${(asked += 1)}`;
      await replicas[0].search(query);
      await new Promise((resolve) => setTimeout(resolve, 20));
      return (await replicas[1].search(query)).cached;
    });
  afterEach(untilShared, 30_000);

  it("is full (C7)", async () => {
    await server.command("CONFIG", "SET", "maxmemory-policy", "noeviction");
    await server.command("CONFIG", "SET", "maxmemory", 1);
    await expect(server.command("SET", "x", "y")).rejects.toThrow("OOM");
    for (let round = 0; round < 5; round++) await answers();
    expect(await replicas[0].isUp()).toBe(true);
    await server.command("CONFIG", "SET", "maxmemory", 0);
  }, 60_000);

  it("takes no writes, as a replica does after a failover (C7)", async () => {
    await server.command("REPLICAOF", "127.0.0.1", 1);
    await expect(server.command("SET", "x", "y")).rejects.toThrow("READONLY");
    for (let round = 0; round < 5; round++) await answers();
    await server.command("CONFIG", "SET", "replica-serve-stale-data", "no");
    for (let round = 0; round < 5; round++) await answers();
    await until(() =>
      server.command("REPLICAOF", "NO", "ONE").then(
        () => true,
        () => false,
      ),
    );
  }, 60_000);

  it("is wiped (C13)", async () => {
    const query = await answers();
    await server.command("FLUSHALL");
    expect((await replicas[0].search(query)).cached).toBe(true);
    const before = await replicas[1].origins();
    const all = await Promise.all(Array.from({ length: 20 }, () => replicas[1].search(query)));
    expect(all.every((answer) => idsOf(answer)[0] === "cats")).toBe(true);
    expect((await replicas[1].origins()) - before).toBe(1);
  }, 60_000);

  it("is stopped and started again (C7)", async () => {
    await server.stop();
    for (let round = 0; round < 5; round++) await answers();
    await server.start();
    for (const replica of replicas) await until(() => replica.isUp());
    expect(replicas.flatMap(({ lines }) => lines).join("")).not.toMatch(/redis:\/\/|127\.0\.0\.1/);
  }, 60_000);
});
