import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, expect, it } from "@jest/globals";
import type { Ledger, LedgerEntry } from "../domain/ledger.ts";

const far = AbortSignal.timeout(60_000);

export const entryOf = (entry: Partial<LedgerEntry> = {}): LedgerEntry => ({
  tenant: "acme",
  day: "2026-11-21",
  service: "generation",
  model: "a-model",
  calls: 1,
  inputTokens: 100,
  cachedInputTokens: 10,
  outputTokens: 20,
  costNanos: 1_000,
  ...entry,
});

/** What every ledger promises. @param open one that holds nothing; it is closed after each test */
export function ledgerSuite(open: () => Promise<Ledger>): void {
  let ledger: Ledger;
  beforeEach(async () => {
    ledger = await open();
  });
  afterEach(async () => await ledger.close());

  const record = (...entries: readonly LedgerEntry[]) => ledger.record({ id: randomUUID(), entries }, far);

  it("holds nothing at first", async () => {
    expect(await ledger.totals("2026-11", "acme", far)).toEqual({ platformNanos: 0, tenantNanos: 0 });
  });

  it("adds up by month, for each tenant and for all", async () => {
    await record(entryOf(), entryOf({ model: "another", costNanos: 20 }), entryOf({ tenant: "베타", costNanos: 300 }));
    await record(entryOf({ day: "2026-11-30", costNanos: 4_000 }), entryOf({ day: "2026-12-01", costNanos: 50_000 }));
    expect(await ledger.totals("2026-11", "acme", far)).toEqual({ platformNanos: 5_320, tenantNanos: 5_020 });
    expect(await ledger.totals("2026-11", "베타", far)).toEqual({ platformNanos: 5_320, tenantNanos: 300 });
    expect(await ledger.totals("2026-12", "acme", far)).toEqual({ platformNanos: 50_000, tenantNanos: 50_000 });
    expect(await ledger.totals("2026-12", "베타", far)).toEqual({ platformNanos: 50_000, tenantNanos: 0 });
  });

  it("gives the totals of what was recorded, per month", async () => {
    await record(entryOf({ tenant: "other", costNanos: 7 }));
    const totals = await record(entryOf(), entryOf({ day: "2026-12-01", tenant: "베타", costNanos: 3 }));
    const byMonth = [...totals].sort((one, other) => (one.month < other.month ? -1 : 1));
    expect(byMonth).toEqual([
      { month: "2026-11", platformNanos: 1_007, tenants: new Map([["acme", 1_000]]) },
      { month: "2026-12", platformNanos: 3, tenants: new Map([["베타", 3]]) },
    ]);
  });

  it("counts a batch once, however often it is recorded, and gives the totals each time", async () => {
    const batch = { id: randomUUID(), entries: [entryOf()] };
    const first = await ledger.record(batch, far);
    expect(await ledger.record(batch, far)).toEqual(first);
    expect(await ledger.totals("2026-11", "acme", far)).toEqual({ platformNanos: 1_000, tenantNanos: 1_000 });
  });

  it("takes amounts up to a million dollars and what costs nothing", async () => {
    await record(entryOf({ costNanos: 10 ** 15 }), entryOf({ tenant: "free", costNanos: 0 }));
    expect(await ledger.totals("2026-11", "acme", far)).toEqual({ platformNanos: 10 ** 15, tenantNanos: 10 ** 15 });
    expect(await ledger.totals("2026-11", "free", far)).toEqual({ platformNanos: 10 ** 15, tenantNanos: 0 });
  });

  it("can be read and written whatever was recorded, and tells no more than a number holds", async () => {
    const most = Number.MAX_SAFE_INTEGER;
    for (let count = 0; count < 9; count += 1) await record(entryOf({ costNanos: 10 ** 15 }));
    await record(entryOf({ costNanos: 10 ** 16 }));
    const [totals] = await record(entryOf());
    expect(totals).toEqual({ month: "2026-11", platformNanos: most, tenants: new Map([["acme", most]]) });
    expect(await ledger.totals("2026-11", "acme", far)).toEqual({ platformNanos: most, tenantNanos: most });
  });

  it("loses nothing of batches that are recorded at once", async () => {
    const batches = Array.from({ length: 20 }, (_, index) =>
      record(
        entryOf({ tenant: `t${index % 3}`, costNanos: 10 }),
        entryOf({ tenant: `t${(index + 1) % 3}`, costNanos: 1 }),
      ),
    );
    await Promise.all(batches);
    expect((await ledger.totals("2026-11", "t0", far)).platformNanos).toBe(220);
  });
}
