import { afterEach, describe, expect, it } from "@jest/globals";
import { until } from "@quartet/testing";
import { billed, createFaultyLedger, november, openTestBudget } from "../test/set-up.ts";
import { BudgetError } from "./budget-error.ts";

const signal = AbortSignal.timeout(60_000);
const opened: { budget: { stop(): Promise<void> } }[] = [];
const open: typeof openTestBudget = (options) => {
  const made = openTestBudget(options);
  opened.push(made);
  return made;
};
afterEach(async () => {
  await Promise.all(opened.splice(0).map(({ budget }) => budget.stop()));
});

const untilNextMonth = Date.UTC(2026, 11) - november;
const exhausted = (retryDelayMs: unknown = untilNextMonth) => ({ reason: "BUDGET_EXHAUSTED", retryDelayMs });

describe("a budget", () => {
  it("sets the most aside, then counts what it came to", async () => {
    const { call, spentBy } = open();
    const held = await call(900);
    expect(await spentBy("acme")).toEqual({ platform: 0, tenant: 0, reserved: 900 });
    await expect(call(200)).rejects.toMatchObject(exhausted(2_000));
    expect(held.settle({ inputTokens: 300, cachedInputTokens: 100, calls: 1 })).toBe(250);
    expect(await spentBy("acme")).toEqual({ platform: 250, tenant: 250, reserved: 0 });
    expect(await spentBy("other")).toEqual({ platform: 250, tenant: 0, reserved: 0 });
    (await call(750)).release();
    await expect(call(751)).rejects.toMatchObject(exhausted());
  });

  it("ends a reservation once, by whichever comes first", async () => {
    const { call, spentBy } = open();
    const [settled, released] = [await call(100), await call(100)];
    expect(settled.settle(billed(40))).toBe(40);
    expect(settled.settle(billed(90))).toBe(40);
    settled.release();
    released.release();
    released.release();
    expect(released.settle(billed(90))).toBeUndefined();
    expect(await spentBy("acme")).toEqual({ platform: 40, tenant: 40, reserved: 0 });
  });

  it("refuses a tenant at its limit while others go on, and names what it may", async () => {
    const limits = { platformNanos: 1_000, tenantNanos: 100, exceptions: new Map([["big", 500]]) };
    const { call, told } = open({ limits });
    (await call(100)).settle(billed(100));
    const refused = await call(1).catch((error: unknown) => error as BudgetError);
    expect(refused).toMatchObject(exhausted());
    expect((refused as BudgetError).message).toContain("0.0000001 USD");
    expect((refused as BudgetError).message).toContain("2026-12-01 at 00:00 UTC");
    (await call(100, { tenant: "other" })).settle(billed(100));
    (await call(500, { tenant: "big" })).settle(billed(500));
    (await call(100, { tenant: "다른" })).settle(billed(100));
    (await call(100, { tenant: "fifth" })).settle(billed(100));
    (await call(100, { tenant: "sixth" })).settle(billed(100));
    const byAll = await call(1, { tenant: "seventh" }).catch((error: unknown) => error as BudgetError);
    expect(byAll).toMatchObject(exhausted());
    expect((byAll as BudgetError).message).not.toContain("USD");
    expect(told.refused).toEqual([refused, "tenant", byAll, "platform"]);
  });

  it("counts what a call came to above what was set aside, and refuses from then on", async () => {
    const { call, spentBy } = open({ limits: { tenantNanos: 100 } });
    (await call(50)).settle(billed(130));
    expect((await spentBy("acme")).tenant).toBe(130);
    await expect(call(1)).rejects.toMatchObject(exhausted());
  });

  it("lets pass what costs nothing, and refuses what has no price where a limit holds", async () => {
    const { call } = open({ limits: { platformNanos: 0 } });
    expect((await call(5, { model: "free" })).settle(billed(5))).toBe(0);
    await expect(call(1)).rejects.toMatchObject(exhausted());
    await expect(call(1, { model: "unknown" })).rejects.toMatchObject({ reason: "MODEL_UNKNOWN" });
    const unlimited = open({ limits: {} });
    expect((await unlimited.call(1, { model: "unknown" })).settle(billed(1))).toBeUndefined();
    expect((await unlimited.call(1e9)).settle(billed(7))).toBe(7);
    expect(await unlimited.spentBy("acme")).toEqual({ platform: 7, tenant: 7, reserved: 0 });
  });

  it("starts anew with the month, and counts a call that goes over its end where it began", async () => {
    const { call, clock, budget, spentBy } = open({ limits: { tenantNanos: 100 } });
    (await call(60)).settle(billed(60));
    const late = await call(40);
    await expect(call(1)).rejects.toBeInstanceOf(BudgetError);
    clock.advance(untilNextMonth - 1);
    await expect(call(70)).rejects.toMatchObject(exhausted(1));
    clock.advance(1);
    const held = await call(100);
    late.settle(billed(40));
    expect(await spentBy("acme")).toEqual({ platform: 0, tenant: 0, reserved: 100 });
    const [platform] = await budget.figures("acme", signal);
    expect(platform).toMatchObject({ limitNanos: undefined, resetTimeMs: Date.UTC(2027, 0) });
    held.release();
  });

  it("takes any number that a provider tells for a number of tokens", async () => {
    const { call, spentBy } = open();
    expect((await call(10)).settle({ inputTokens: 1.5, outputTokens: Number.NaN, calls: 1 })).toBe(2);
    expect((await call(10)).settle({ inputTokens: -5, cachedInputTokens: 7, calls: 1 })).toBe(0);
    expect((await call(10)).settle({ inputTokens: Infinity, calls: 1 })).toBe(2 ** 27);
    await until(async () => (await spentBy("acme")).platform > 2 ** 27);
  });

  it("gives nothing away to who has left", async () => {
    const { call, spentBy } = open();
    await expect(call(1, { signal: AbortSignal.abort(new Error("left")) })).rejects.toThrow("left");
    expect((await spentBy("acme")).reserved).toBe(0);
  });
});

describe("a budget and its ledger", () => {
  it("records what was spent, by tenant, day, service and model, and knows it after a restart", async () => {
    const { genuine } = createFaultyLedger();
    const first = open({ ledger: { ...genuine, close: async () => undefined } });
    (await first.call(10)).settle({ inputTokens: 8, outputTokens: 1, calls: 2 });
    (await first.call(10, { service: "embedding" })).settle(billed(5));
    await first.budget.stop();
    expect(await genuine.totals("2026-11", "acme", signal)).toEqual({ platformNanos: 14, tenantNanos: 14 });
    const second = open({ ledger: genuine, limits: { tenantNanos: 20 } });
    await expect(second.call(7)).rejects.toMatchObject(exhausted());
    (await second.call(6)).release();
  });

  it("keeps what was spent while the ledger is away, counts it, and records it once", async () => {
    const faulty = createFaultyLedger();
    const { call, told, clock } = open({ ledger: faulty.ledger, limits: { tenantNanos: 100 } });
    (await call(10)).settle(billed(10));
    await until(() => told.ledgerRecorded.length === 1);
    faulty.set("loses answers");
    (await call(60)).settle(billed(60));
    await until(() => told.ledgerFailed.length > 0);
    faulty.set("fails");
    await expect(call(31)).rejects.toMatchObject(exhausted());
    clock.advance(4 * 60_000);
    (await call(30)).release();
    faulty.set("none");
    await until(() => told.ledgerRecorded.length === 2);
    expect(await faulty.genuine.totals("2026-11", "acme", signal)).toEqual({ platformNanos: 70, tenantNanos: 70 });
    expect(told.dropped).toEqual([]);
  });

  it("goes on for 5 minutes with what it knows, then refuses until the ledger can be read again", async () => {
    const faulty = createFaultyLedger();
    const { call, clock } = open({ ledger: faulty.ledger, limits: { tenantNanos: 100 } });
    (await call(1)).release();
    faulty.set("fails");
    clock.advance(5 * 60_000);
    (await call(1)).release();
    clock.advance(1);
    await expect(call(1)).rejects.toMatchObject({ reason: "UPSTREAM_FAILED", retryDelayMs: 1_000 });
    (await call(1, { model: "free" })).release();
    faulty.set("none");
    clock.advance(1_000);
    (await call(1)).release();
  });

  it("refuses while it never knew what was spent, and holds nobody up longer than moments where the ledger hangs", async () => {
    const faulty = createFaultyLedger();
    const { call, clock } = open({ ledger: faulty.ledger, limits: { tenantNanos: 100 } });
    faulty.set("hangs");
    await expect(call(1)).rejects.toMatchObject({ reason: "UPSTREAM_FAILED" });
    faulty.set("none");
    clock.advance(3_000);
    await until(async () =>
      call(1).then(
        (held) => (held.release(), true),
        () => (clock.advance(1_000), false),
      ),
    );
    faulty.set("hangs");
    clock.advance(3_000);
    (await call(1)).release();
    await expect(call(1, { tenant: "new" })).rejects.toMatchObject({ reason: "UPSTREAM_FAILED" });
  }, 30_000);

  it("drops what the ledger does not take before the process ends, and says so", async () => {
    const faulty = createFaultyLedger();
    faulty.set("fails");
    const unlimited = open({ ledger: faulty.ledger, limits: {} });
    (await unlimited.call(5)).settle(billed(5));
    await unlimited.budget.stop();
    expect(unlimited.told.dropped).toEqual([expect.objectContaining({ costNanos: 5 })]);
  });
});
