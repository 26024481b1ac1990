import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { migrate } from "@quartet/postgres";
import { createRedis } from "@quartet/redis";
import { createMetrics } from "@quartet/telemetry";
import { createTcpProxy, type TestDatabase, type TestKeyPrefix, until } from "@quartet/testing";
import { describeWithStores } from "@quartet/testing/jest";
import { createPostgresLedger, ledgerSchema } from "../src/adapters/postgres-ledger.ts";
import { createRedisHoldings } from "../src/adapters/redis-holdings.ts";
import { billed, openTestBudget } from "../src/test/set-up.ts";

const log = { info: () => undefined, warn: () => undefined };
const LIMIT = 1_000;

describeWithStores("two replicas on PostgreSQL and Redis", ["postgres", "redis"], ({ postgres, redis: server }) => {
  let database: TestDatabase;
  let keys: TestKeyPrefix;
  const opened: { stop(): Promise<void> }[] = [];
  beforeEach(async () => {
    database = await postgres.createDatabase();
    await migrate({ url: database.url, schema: ledgerSchema, signal: AbortSignal.timeout(60_000) });
    keys = server.createPrefix();
  }, 60_000);
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((each) => each.stop()));
    await keys.drop();
    await database.drop();
  }, 60_000);

  const open = async (redisUrl: string | undefined = server.url) => {
    const metrics = createMetrics({ component: "test", processMetrics: false });
    const redis = createRedis({
      url: redisUrl,
      keyPrefix: keys.prefix,
      name: "budget",
      timeoutMs: 5_000,
      log,
      metrics,
    });
    await until(() => redis.up);
    const ledger = createPostgresLedger({ url: database.url, log });
    const limits = { platformNanos: LIMIT };
    const made = openTestBudget({ ledger, shared: createRedisHoldings({ redis }), limits, ledgerDelayMs: 20 });
    opened.push(made.budget);
    return { ...made, redis };
  };

  /** 50 at once, each for up to 30 and then 10 to 30; what they came to. */
  let calls = 0;
  const spend = async (replicas: readonly Awaited<ReturnType<typeof open>>[]) => {
    const costs = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        calls += 1;
        const held = await replicas[index % replicas.length]!.call(30, { tenant: `t${index % 3}` }).catch(
          () => undefined,
        );
        if (held === undefined) return 0;
        await new Promise((resolve) => setTimeout(resolve, index % 7));
        if ((index + calls) % 11 === 0) {
          held.release();
          return 0;
        }
        return held.settle(billed(10 + (index % 21)))!;
      }),
    );
    return costs.reduce((sum, cost) => sum + cost, 0);
  };

  /** Until nothing more is let through. */
  const spendAll = async (replicas: Parameters<typeof spend>[0]) => {
    let spent = 0;
    for (let round = 0; round < 20; round += 1) spent += await spend(replicas);
    return spent;
  };

  it("stay within the limit under 50 concurrent calls, and use it up", async () => {
    const replicas = [await open(), await open()];
    const spent = await spendAll(replicas);
    expect(spent).toBeLessThanOrEqual(LIMIT);
    expect(spent).toBeGreaterThan(LIMIT - 30);
    for (const { spentBy } of replicas)
      await until(async () => {
        const { platform, reserved } = await spentBy("t0");
        return platform === spent && reserved === 0;
      });
    const ledger = createPostgresLedger({ url: database.url, log });
    const recorded = async () => (await ledger.totals("2026-11", "t0", AbortSignal.timeout(10_000))).platformNanos;
    await until(async () => (await recorded()) === spent);
    await ledger.close();
  }, 60_000);

  it("go on without Redis by what the ledger says, and know all again when it is back", async () => {
    await using proxy = await createTcpProxy({ target: server.url });
    const replicas = [await open(proxy.url(server.url)), await open(proxy.url(server.url))];
    const before = await spend([replicas[0]!]);
    await proxy.set({ kind: "refuse" });
    await until(() => replicas.every(({ redis }) => !redis.up));
    // Readings of the ledger are made anew.
    await until(
      async () => (await replicas[1]!.spentBy("t0")).platform === before || (replicas[1]!.clock.advance(2_000), false),
    );
    const one = await spend([replicas[1]!]);
    expect(before + one).toBeLessThanOrEqual(LIMIT);
    await proxy.set({ kind: "pass" });
    await until(() => replicas.every(({ redis }) => redis.up));
    for (const { clock } of replicas) clock.advance(2_000);
    const after = await spendAll(replicas);
    expect(before + one + after).toBeLessThanOrEqual(LIMIT);
    expect(before + one + after).toBeGreaterThan(LIMIT - 30);
  }, 60_000);
});
