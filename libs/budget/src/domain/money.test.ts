import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { showDollars, toDollars, toNanos } from "./money.ts";
import { costOf, mostOf, mostTokens } from "./prices.ts";

describe("money", () => {
  it("is exact for what operators write", () => {
    for (const dollars of [0.15, 0.075, 0.6, 0.02, 1.1, 1000, 1e6]) expect(toDollars(toNanos(dollars))).toBe(dollars);
    expect([1000, 0.5, 0.0001, 0].map((dollars) => showDollars(toNanos(dollars)))).toEqual([
      "1000.00",
      "0.50",
      "0.0001",
      "0.00",
    ]);
  });
});

describe("the cost of a call", () => {
  const price = { inputNanos: toNanos(0.15), cachedInputNanos: toNanos(0.075), outputNanos: toNanos(0.6) };

  it("is what the table says, cached tokens being a part of the input", () => {
    // 1,000 at 0.15, 1,000 at 0.075 and 500 at 0.60 a million.
    expect(costOf(price, { inputTokens: 2_000, cachedInputTokens: 1_000, outputTokens: 500 })).toBe(525_000);
    expect(costOf(price, { inputTokens: 10, cachedInputTokens: 99 })).toBe(10 * 75);
  });

  it("is rounded up, never negative and never above what can be counted", () => {
    const tiny = { inputNanos: 1, cachedInputNanos: 1, outputNanos: 1 };
    expect(costOf(tiny, { inputTokens: 1 })).toBe(1);
    const tokens = fc.double();
    fc.assert(
      fc.property(tokens, tokens, tokens, (inputTokens, cachedInputTokens, outputTokens) => {
        const cost = costOf(price, { inputTokens, cachedInputTokens, outputTokens });
        expect(Number.isSafeInteger(cost) && cost >= 0).toBe(true);
        expect(cost).toBeLessThanOrEqual(mostOf(price, { inputTokens, outputTokens }));
      }),
    );
  });

  it("bounds the tokens of a text by its bytes: no Korean or other text has more", () => {
    expect(mostTokens("abc")).toBe(3);
    expect(mostTokens("문서")).toBe(6);
    expect(mostTokens("👩‍👩‍👧")).toBe(18);
  });
});
