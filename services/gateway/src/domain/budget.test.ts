import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { createBudget } from "./budget.ts";
import { createPlans } from "./plans.ts";
import { Refusal } from "./refusal.ts";

const plans = createPlans({
  embedTimeoutMs: 3_000,
  searchTimeoutMs: 5_000,
  compressTimeoutMs: 2_000,
  generateTimeoutMs: 120_000,
});

describe("the time of a call", () => {
  it("is refused when the floors of what is required do not fit", () => {
    expect(() => createBudget(plans.answer, 139, () => 0)).toThrow(Refusal);
    expect(() => createBudget(plans.answer, 140, () => 0)).not.toThrow();
  });

  it("goes to a stage up to its cap, and leaves later required stages their targets or floors", () => {
    let now = 0;
    const budget = createBudget(plans.answer, 2_000, () => now);
    // optional: what is left without the margin and the targets of search and generation
    expect(budget.grant("embed")?.timeoutMs).toBe(2_000 - 20 - 200 - 1_000);
    now = 780;
    expect(budget.grant("embed")).toBeUndefined();
    // required: what is left without the margin and the floor of generation
    expect(budget.grant("search")?.timeoutMs).toBe(1_220 - 20 - 100);
    expect(budget.elapsedMs()).toBe(780);
  });

  it("always leaves a required stage its floor, when none before it took more than its grant", () => {
    const shares = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }));
    fc.assert(
      fc.property(
        fc.integer({ min: 140, max: 40_000 }),
        shares,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (total, [a, b], c) => {
          let now = 0;
          const budget = createBudget(plans.answer, total, () => now);
          now += a * (budget.grant("embed")?.timeoutMs ?? 0);
          const search = budget.grant("search");
          expect(search).toBeDefined();
          now += b * search!.timeoutMs;
          now += c * (budget.grant("compress")?.timeoutMs ?? 0);
          // A hundred nanoseconds for the arithmetic of fractions.
          now -= 1e-4;
          expect(budget.grant("generate")).toBeDefined();
        },
      ),
    );
  });
});
