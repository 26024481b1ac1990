import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { createTcpProxy, type TestKeyPrefix, until } from "@quartet/testing";
import { describeWithStores } from "@quartet/testing/jest";
import { createMarks, type Marks } from "./marks.ts";
import type { Redis } from "./redis.ts";
import { isUp, openRedis } from "./test/set-up.ts";

describeWithStores("marks in Redis", ["redis"], ({ redis: server }) => {
  let keys: TestKeyPrefix;
  const opened: Redis[] = [];
  beforeEach(() => void (keys = server.createPrefix()));
  afterEach(async () => {
    for (const redis of opened.splice(0)) await redis.close();
    await keys.drop();
  });
  const start = async (given = {}): Promise<{ marks: Marks; redis: Redis }> => {
    const { redis } = openRedis({ url: server.url, keyPrefix: keys.prefix, ...given });
    opened.push(redis);
    await isUp(redis);
    return { marks: createMarks({ redis, name: "rests" }), redis };
  };
  const left = async (marks: Marks, name: string) => (await marks.remainingMs([name]))![0]!;

  it("are seen by others, and only ever last longer", async () => {
    const [one, two] = [await start(), await start()];
    one.marks.extend("a", 50_000);
    await until(async () => (await left(two.marks, "a")) > 0);
    two.marks.extend("a", 10_000);
    expect(await left(two.marks, "a")).toBeGreaterThan(30_000);
    two.marks.extend("a", 90_000);
    await until(async () => (await left(one.marks, "a")) > 60_000);
    expect(await left(one.marks, "a")).toBeLessThanOrEqual(90_000);
    expect(await one.marks.remainingMs(["nobody's", "a"])).toEqual([0, expect.any(Number)]);
  });

  it("hold to the longest, whoever sets them at the same time", async () => {
    const replicas = await Promise.all(Array.from({ length: 4 }, () => start()));
    for (let round = 0; round < 50; round++) {
      for (const [index, { marks }] of replicas.entries()) {
        marks.extend(`r${round}`, 60_000 + 10_000 * ((index + round) % 4));
      }
    }
    const names = Array.from({ length: 50 }, (_, round) => `r${round}`);
    // Each replica's commands keep their order, so that its own answer comes after its last mark.
    for (const { marks } of replicas) await marks.remainingMs(names);
    for (const restMs of (await replicas[0]!.marks.remainingMs(names))!) expect(restMs).toBeGreaterThan(70_000);
  });

  it("replace what somebody else left in their place, and never last for ever", async () => {
    const { marks, redis } = await start();
    await redis.send([["RPUSH", redis.key("rests:a"), "x"]], { use: "test" });
    expect(await left(marks, "a")).toBe(0);
    marks.extend("a", Infinity);
    await until(async () => (await left(marks, "a")) > 0);
    expect(await left(marks, "a")).toBeLessThanOrEqual(86_400_000);
    marks.extend("b", 0);
    expect(await left(marks, "b")).toBe(0);
  });

  it("are not known where Redis is away", async () => {
    await using proxy = await createTcpProxy({ target: server.url });
    const { marks } = await start({ url: proxy.url(server.url), timeoutMs: 50 });
    await proxy.set({ kind: "hang" });
    expect(await marks.remainingMs(["a"])).toBeUndefined();
    marks.extend("a", 1_000);
    expect(await marks.remainingMs(["a"])).toBeUndefined();
  });
});
