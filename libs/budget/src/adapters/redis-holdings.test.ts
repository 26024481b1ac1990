import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { createRedis } from "@quartet/redis";
import { createMetrics } from "@quartet/telemetry";
import { createTcpProxy, type TestKeyPrefix, until } from "@quartet/testing";
import { describeWithStores } from "@quartet/testing/jest";
import fc from "fast-check";
import type { Limits, SharedHoldings } from "../domain/holdings.ts";
import { stepsOf, tenants } from "../test/holdings-model.ts";
import { createRedisHoldings } from "./redis-holdings.ts";

const month = "2026-11";
const limits: Limits = { platformNanos: 150, tenantNanos: 100 };
const nothing = { platformNanos: 0, tenantNanos: 0 };
const log = { info: () => undefined, warn: () => undefined };

describeWithStores("what replicas hold together in Redis", ["redis"], ({ redis: server }) => {
  let keys: TestKeyPrefix;
  const opened: SharedHoldings[] = [];
  beforeEach(() => {
    keys = server.createPrefix();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((each) => each.close()));
    await keys.drop();
  });

  const open = async ({ url = server.url, prefix = keys.prefix, timeoutMs = 10_000 } = {}) => {
    const metrics = createMetrics({ component: "test", processMetrics: false });
    const redis = createRedis({ url, keyPrefix: prefix, name: "budget", timeoutMs, log, metrics });
    const holdings = createRedisHoldings({ redis });
    opened.push(holdings);
    await until(() => redis.up);
    return { holdings, redis };
  };

  const holding = (id: string, nanos: number, tenant = "acme") => ({ id, month, tenant, nanos });

  it("never lets two replicas pass a limit together, in any order of calls, records and readings", async () => {
    const replicas = [await open(), await open()];
    let run = 0;
    await fc.assert(
      fc.asyncProperty(stepsOf(2, 40), async (steps) => {
        // A month of its own for each run.
        const own = `run-${(run += 1)}`;
        const truth = new Map(["", ...tenants].map((name) => [name, { spent: 0, reserved: 0 }]));
        const ledger = new Map<string, number>();
        const known = replicas.map(() => new Map<string, number>());
        const open: { id: string; replica: number; tenant: string; nanos: number }[] = [];
        const unrecorded: { id: string; month: string; tenant: string; nanos: number }[][] = [[], []];
        for (const [index, step] of steps.entries()) {
          if (step.kind === "reserve") {
            const { replica, tenant, nanos } = step;
            const heard = (name: string) => known[replica]!.get(name) ?? 0;
            const verdict = await replicas[replica]!.holdings.reserve(
              { id: `${own}-${index}`, month: own, tenant, nanos },
              { limits, known: { platformNanos: heard(""), tenantNanos: heard(tenant) } },
            );
            if (verdict === "bypassed") throw new Error("Redis did not answer");
            if (verdict.kind === "refused") continue;
            open.push({ id: `${own}-${index}`, replica, tenant, nanos });
            for (const name of ["", tenant]) truth.get(name)!.reserved += nanos;
          } else if (step.kind === "settle" || step.kind === "release") {
            const [held] = open.splice(step.pick % Math.max(1, open.length), 1);
            if (held === undefined) continue;
            const { holdings } = replicas[held.replica]!;
            for (const name of ["", held.tenant]) truth.get(name)!.reserved -= held.nanos;
            if (step.kind === "release") {
              holdings.release({ id: held.id, month: own });
              continue;
            }
            const cost = Math.floor((held.nanos * step.share) / 100);
            for (const name of ["", held.tenant]) truth.get(name)!.spent += cost;
            const batch = unrecorded[held.replica]!;
            let spent = batch.find(({ tenant }) => tenant === held.tenant);
            if (spent === undefined)
              batch.push((spent = { id: `${held.id}-spent`, month: own, tenant: held.tenant, nanos: 0 }));
            spent.nanos += cost;
            holdings.settle({ id: held.id }, { ...spent });
          } else if (step.kind === "record") {
            const batch = unrecorded[step.replica]!.splice(0);
            for (const { tenant, nanos } of batch)
              for (const name of ["", tenant]) ledger.set(name, (ledger.get(name) ?? 0) + nanos);
            const totals = new Map(batch.map(({ tenant }) => [tenant, ledger.get(tenant)!]));
            const all = { month: own, platformNanos: ledger.get("") ?? 0, tenants: totals };
            replicas[step.replica]!.holdings.recorded(batch, [all]);
          } else {
            for (const name of ["", step.tenant]) known[step.replica]!.set(name, ledger.get(name) ?? 0);
          }
          expect(truth.get("")!.spent + truth.get("")!.reserved).toBeLessThanOrEqual(150);
          for (const tenant of tenants) {
            const { spent, reserved } = truth.get(tenant)!;
            expect(spent + reserved).toBeLessThanOrEqual(100);
          }
        }
        // What is known is exact once all commands have arrived: nothing is lost or counted twice.
        for (const [at, { holdings }] of replicas.entries()) {
          await replicas[1 - at]!.holdings.sums(own, "acme", nothing);
          const sums = await holdings.sums(own, "acme", nothing);
          const [all, one] = [truth.get("")!, truth.get("acme")!];
          expect(sums).toEqual({
            platform: { spentNanos: all.spent, reservedNanos: all.reserved },
            tenant: { spentNanos: one.spent, reservedNanos: one.reserved },
          });
        }
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  it("says which scope has no room and what is in the way", async () => {
    const { holdings } = await open();
    await holdings.reserve(holding("a", 60), { limits, known: nothing });
    holdings.settle({ id: "a" }, holding("spent", 30));
    expect(await holdings.reserve(holding("b", 60), { limits, known: nothing })).toEqual({ kind: "held" });
    expect(await holdings.reserve(holding("c", 20), { limits, known: nothing })).toEqual({
      kind: "refused",
      scope: "tenant",
      sums: { spentNanos: 30, reservedNanos: 60 },
    });
    expect(await holdings.reserve(holding("d", 70, "other"), { limits, known: nothing })).toEqual({
      kind: "refused",
      scope: "platform",
      sums: { spentNanos: 30, reservedNanos: 60 },
    });
    const unlimited = { platformNanos: undefined, tenantNanos: undefined };
    expect(await holdings.reserve(holding("e", 10 ** 15), { limits: unlimited, known: nothing })).toEqual({
      kind: "held",
    });
  });

  it("believes the ledger where it knows of more", async () => {
    const { holdings } = await open();
    const known = { platformNanos: 95, tenantNanos: 95 };
    expect(await holdings.reserve(holding("a", 6), { limits, known })).toMatchObject({ kind: "refused" });
    expect(await holdings.reserve(holding("b", 5), { limits, known })).toEqual({ kind: "held" });
  });

  it("keeps a name with colons and digits apart from others", async () => {
    const { holdings } = await open();
    await holdings.reserve(holding("a", 10, "r:1:x"), { limits, known: nothing });
    await holdings.reserve(holding("b", 20, "1:x"), { limits, known: nothing });
    const sums = await holdings.sums(month, "1:x", nothing);
    expect(sums).toMatchObject({ tenant: { reservedNanos: 20 }, platform: { reservedNanos: 30 } });
    holdings.release(holding("a", 10));
    expect(await holdings.sums(month, "r:1:x", nothing)).toMatchObject({ tenant: { reservedNanos: 0 } });
  });

  it("leaves keys that go by themselves, and nothing of calls that have ended", async () => {
    const { holdings, redis } = await open();
    await holdings.reserve(holding("a", 10), { limits, known: nothing });
    holdings.release(holding("a", 10));
    await holdings.reserve(holding("b", 10), { limits, known: nothing });
    holdings.settle({ id: "b" }, holding("spent", 5));
    const totals = { month, platformNanos: 5, tenants: new Map([["acme", 5]]) };
    holdings.recorded([holding("spent", 5)], [totals]);
    await holdings.sums(month, "acme", nothing);
    const book = redis.key(`budget:${month}:book`);
    const answer = await redis.send(
      [
        ["HGETALL", book],
        ["PTTL", book],
        ["ZCARD", redis.key(`budget:${month}:ends`)],
      ],
      { use: "test" },
    );
    if (answer.kind !== "answered") throw new Error("Redis did not answer");
    const [fields, left, ends] = answer.replies.map((reply) => ("value" in reply ? reply.value : undefined));
    expect((fields as Buffer[]).map(String).sort()).toEqual(["5", "5", "t:", "t:acme"]);
    expect(left).toBeGreaterThan(30 * 86_400_000);
    expect(ends).toBe(0);
  });

  it("gives back what ends by itself", async () => {
    const { holdings, redis } = await open();
    await holdings.reserve(holding("a", 90), { limits, known: nothing });
    await redis.send([["ZADD", redis.key(`budget:${month}:ends`), 1, "a"]], { use: "test" });
    expect(await holdings.reserve(holding("b", 90), { limits, known: nothing })).toEqual({ kind: "held" });
    expect(await holdings.sums(month, "acme", nothing)).toMatchObject({ tenant: { reservedNanos: 90 } });
  });

  it.each(["refuse", "hang"] as const)(
    "is bypassed within its limit while Redis is away (%s), and asked again after",
    async (kind) => {
      await using proxy = await createTcpProxy({ target: server.url });
      const { holdings, redis } = await open({ url: proxy.url(server.url), timeoutMs: 1_000 });
      await proxy.set({ kind });
      expect(await holdings.reserve(holding("a", 1), { limits, known: nothing })).toBe("bypassed");
      expect(await holdings.sums(month, "acme", nothing)).toBe("bypassed");
      holdings.settle({ id: "a" }, holding("spent", 1));
      await proxy.set({ kind: "pass" });
      await until(() => redis.up);
      await until(async () => (await holdings.reserve(holding("b", 1), { limits, known: nothing })) !== "bypassed");
    },
  );

  it("takes what is no answer of its own for none", async () => {
    const { holdings, redis } = await open();
    await redis.send([["SET", redis.key(`budget:${month}:book`), "text"]], { use: "test" });
    expect(await holdings.reserve(holding("a", 1), { limits, known: nothing })).toBe("bypassed");
  });
});
