import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "@jest/globals";
import { BudgetStatsSchema } from "@quartet/contracts/type/v1/stats";
import { mergeBudgets } from "./merge-budgets.ts";

const december = 1_796_083_200n;

const budget = (scope: string, spent: number, { reserved = 0, reset = december } = {}) =>
  create(BudgetStatsSchema, {
    scope,
    limit: { currencyCode: "USD", units: 1000n },
    spent: { currencyCode: "USD", nanos: spent },
    reserved: { currencyCode: "USD", nanos: reserved },
    resetTime: { seconds: reset },
  });

describe("mergeBudgets", () => {
  it("adds nothing up: the process that knows of most has looked last", () => {
    const merged = mergeBudgets([
      budget("tenant", 5, { reserved: 1 }),
      budget("platform", 50),
      budget("tenant", 7),
      budget("platform", 49, { reserved: 9 }),
    ]);
    expect(merged).toEqual([budget("platform", 50, { reserved: 9 }), budget("tenant", 7, { reserved: 1 })]);
  });

  it("believes the one that is in the new month", () => {
    const january = december + 31n * 86_400n;
    const merged = mergeBudgets([budget("platform", 900), budget("platform", 3, { reset: january })]);
    expect(merged).toEqual([budget("platform", 3, { reset: january })]);
  });

  it("gives none where none is told", () => {
    expect(mergeBudgets([])).toEqual([]);
  });
});
