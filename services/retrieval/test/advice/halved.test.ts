import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { describeWithStores } from "@quartet/testing/jest";
import type { AdviceReport } from "../../src/domain/advice.ts";
import { openShop, type Shop } from "./shop.ts";

/** Statements with what helps them. */
const slow: readonly (readonly [sql: string, values: readonly unknown[], helps: RegExp])[] = [
  ["SELECT id, amount FROM purchase WHERE customer = $1", [4711], /ON public\.purchase \(customer\)/],
  [
    "SELECT id FROM purchase WHERE state = $1 AND placed_at >= $2 AND placed_at < $3",
    ["open", "2024-06-01", "2024-06-02"],
    /ON public\.purchase \(state, placed_at\)/,
  ],
  [
    "SELECT id FROM purchase WHERE state = $1 ORDER BY placed_at DESC LIMIT 20",
    ["paid"],
    /ON public\.purchase \(state, placed_at\)/,
  ],
  ["SELECT id FROM purchase WHERE tags @> $1", [["t77"]], /USING gin \(tags\)/],
];

describeWithStores("advice on a table of 200,000 rows without its indexes", ["postgres"], ({ postgres }) => {
  let shop: Shop;
  let report: AdviceReport;
  let before: string;

  beforeAll(async () => {
    shop = await openShop(postgres, { purchases: 200_000 });
    for (const [sql, values] of slow) await shop.run(sql, values);
    before = await shop.catalogue();
    report = await shop.advise();
  }, 400_000);
  afterAll(async () => shop[Symbol.asyncDispose]());

  it.each(slow)("%s: takes at most half the time", (_sql, _values, helps) => {
    expect(report.unadvised).toEqual([]);
    // What helps several is told once, with the one that it helps most.
    const { proposal, beforeMs, afterMs, ...found } = report.advice.find((each) => helps.test(each.proposal.sql))!;
    const { planBefore, planAfter, callCount, indexBytes, sampledRatio } = found;
    expect(proposal.sql).toMatch(/^CREATE INDEX CONCURRENTLY /);
    expect(afterMs).toBeLessThanOrEqual(beforeMs / 2);
    expect([planBefore, planAfter]).toEqual([
      expect.stringContaining("Seq Scan"),
      expect.stringContaining("Index Scan"),
    ]);
    expect({ callCount, sampledRatio }).toEqual({ callCount: 1, sampledRatio: 1 });
    expect(indexBytes).toBeGreaterThan(100_000);
  });

  it("shows no value of a call, in plans or elsewhere", () => {
    const shown = JSON.stringify(report);
    for (const value of ["= 4711", "'4711'", "open", "2024-06-01", "paid", "t77"]) expect(shown).not.toContain(value);
    expect(shown).toContain("$1");
  });

  it("leaves the database as it was", async () => {
    expect(await shop.catalogue()).toBe(before);
  });
});
