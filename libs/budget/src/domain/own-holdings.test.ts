import { describe, expect, it } from "@jest/globals";
import { createManualClock } from "@quartet/testing";
import fc from "fast-check";
import { stepsOf, tenants } from "../test/holdings-model.ts";
import { HOLDING_LIFETIME_MS, type Limits } from "./holdings.ts";
import { createOwnHoldings } from "./own-holdings.ts";

const month = "2026-11";
const limits: Limits = { platformNanos: 150, tenantNanos: 100 };

/** What is true of a tenant, or of all, written down plainly. */
interface Truth {
  spent: number;
  reserved: number;
}

describe("what a process holds", () => {
  it("never lets spent and reserved together pass a limit, and refuses only what would, in any order of calls", () => {
    fc.assert(
      fc.property(stepsOf(1, 60), (steps) => {
        const holdings = createOwnHoldings({ now: () => 0 });
        const truth = new Map<string, Truth>(["", ...tenants].map((name) => [name, { spent: 0, reserved: 0 }]));
        const of = (tenant: string) => [truth.get("")!, truth.get(tenant)!] as const;
        const open: { readonly id: string; readonly tenant: string; readonly nanos: number }[] = [];
        const ledger = new Map<string, number>();
        let unrecorded: { id: string; tenant: string; nanos: number }[] = [];
        for (const [index, step] of steps.entries()) {
          if (step.kind === "reserve") {
            const { tenant, nanos } = step;
            const fits = of(tenant).every(({ spent, reserved }, at) => spent + reserved + nanos <= [150, 100][at]!);
            const verdict = holdings.reserve({ id: String(index), month, tenant, nanos }, limits);
            expect(verdict.kind).toBe(fits || nanos === 0 ? "held" : "refused");
            if (verdict.kind === "refused") continue;
            open.push({ id: String(index), tenant, nanos });
            for (const each of of(tenant)) each.reserved += nanos;
          } else if (step.kind === "settle" || step.kind === "release") {
            const [held] = open.splice(step.pick % Math.max(1, open.length), 1);
            if (held === undefined) continue;
            for (const each of of(held.tenant)) each.reserved -= held.nanos;
            if (step.kind === "release") {
              holdings.release(held.id);
              continue;
            }
            const cost = Math.floor((held.nanos * step.share) / 100);
            for (const each of of(held.tenant)) each.spent += cost;
            const batch = unrecorded.find(({ tenant }) => tenant === held.tenant);
            if (batch === undefined) unrecorded.push({ id: `batch ${index}`, tenant: held.tenant, nanos: cost });
            else batch.nanos += cost;
            holdings.settle(held.id, { month, ...unrecorded.find(({ tenant }) => tenant === held.tenant)! });
          } else if (step.kind === "record") {
            for (const { tenant, nanos } of unrecorded)
              for (const name of ["", tenant]) ledger.set(name, (ledger.get(name) ?? 0) + nanos);
            holdings.recorded(unrecorded);
            const totals = unrecorded.map(({ tenant }): [string, number] => [tenant, ledger.get(tenant)!]);
            holdings.learn({ month, platformNanos: ledger.get("") ?? 0, tenants: new Map(totals) });
            unrecorded = [];
          } else
            holdings.learn({
              month,
              platformNanos: ledger.get("") ?? 0,
              tenants: new Map([[step.tenant, ledger.get(step.tenant) ?? 0]]),
            });
          for (const tenant of tenants) {
            const sums = holdings.sums(month, tenant);
            const [all, own] = of(tenant);
            expect(sums.platform).toEqual({ spentNanos: all.spent, reservedNanos: all.reserved });
            expect(sums.tenant).toEqual({ spentNanos: own.spent, reservedNanos: own.reserved });
            expect(all.spent + all.reserved).toBeLessThanOrEqual(150);
            expect(own.spent + own.reserved).toBeLessThanOrEqual(100);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it("gives back what was reserved and never ended, and counts its cost all the same when it ends later", () => {
    const clock = createManualClock();
    const holdings = createOwnHoldings(clock);
    const limit = { platformNanos: 100, tenantNanos: undefined };
    expect(holdings.reserve({ id: "a", month, tenant: "acme", nanos: 80 }, limit).kind).toBe("held");
    clock.advance(HOLDING_LIFETIME_MS - 1);
    expect(holdings.reserve({ id: "b", month, tenant: "acme", nanos: 80 }, limit).kind).toBe("refused");
    clock.advance(1_000);
    expect(holdings.reserve({ id: "c", month, tenant: "acme", nanos: 80 }, limit).kind).toBe("held");
    holdings.settle("a", { id: "spent", month, tenant: "acme", nanos: 70 });
    expect(holdings.sums(month, "acme").platform).toEqual({ spentNanos: 70, reservedNanos: 80 });
    clock.advance(10 * HOLDING_LIFETIME_MS);
    expect(holdings.sums(month, "acme").platform).toEqual({ spentNanos: 70, reservedNanos: 0 });
  });

  it("keeps months apart, and one that is over until its last call has ended", () => {
    const holdings = createOwnHoldings({ now: () => 0 });
    const limit = { platformNanos: 100, tenantNanos: undefined };
    holdings.reserve({ id: "old", month, tenant: "acme", nanos: 100 }, limit);
    expect(holdings.reserve({ id: "new", month: "2026-12", tenant: "acme", nanos: 100 }, limit).kind).toBe("held");
    expect(holdings.reserve({ id: "newer", month: "2027-01", tenant: "acme", nanos: 100 }, limit).kind).toBe("held");
    holdings.settle("old", { id: "spent", month, tenant: "acme", nanos: 60 });
    expect(holdings.sums(month, "acme").platform).toEqual({ spentNanos: 60, reservedNanos: 0 });
    expect(holdings.sums("2026-12", "acme").platform).toEqual({ spentNanos: 0, reservedNanos: 100 });
  });

  it("forgets nothing that a ledger said, whichever answer comes last", () => {
    const holdings = createOwnHoldings({ now: () => 0 });
    holdings.learn({ month, platformNanos: 90, tenants: new Map([["acme", 50]]) });
    holdings.learn({ month, platformNanos: 80, tenants: new Map([["acme", 40]]) });
    expect(holdings.known(month, "acme")).toEqual({ platformNanos: 90, tenantNanos: 50 });
  });
});
