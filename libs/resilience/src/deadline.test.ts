import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { createBudget, grantMs, minimumMs, OutOfTimeError } from "./deadline.ts";
import type { Stage } from "./deadline.ts";

const stage: fc.Arbitrary<Stage> = fc
  .tuple(fc.nat(500), fc.nat(500), fc.nat(5_000), fc.boolean())
  .map(([floorMs, target, cap, required]) => ({
    name: "stage",
    floorMs,
    targetMs: floorMs + target,
    capMs: floorMs + target + cap,
    required,
  }));
const plan = fc.record({
  stages: fc.array(stage, { minLength: 1, maxLength: 6 }),
  marginMs: fc.nat(300),
  spareMs: fc.integer({ min: -2_000, max: 10_000 }),
  /** The share of its grant that each stage uses. */
  used: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 6, maxLength: 6 }),
});

describe("the deadline rule", () => {
  it("gives every required stage of an admitted plan its floor, and keeps the margin, whatever the stages use", () => {
    fc.assert(
      fc.property(plan, ({ stages, marginMs, spareMs, used }) => {
        let leftMs = minimumMs(stages, marginMs) + Math.abs(spareMs);
        const kept = stages.every((each, index) => {
          const grant = grantMs(stages, index, leftMs, marginMs);
          leftMs -= (grant ?? 0) * used[index]!;
          return grant === undefined ? !each.required : grant >= each.floorMs && grant <= each.capMs;
        });
        return kept && leftMs >= marginMs - 1e-6;
      }),
      { numRuns: 30_000 },
    );
  });

  it("agrees with its statement, computed backwards", () => {
    fc.assert(
      fc.property(plan, ({ stages, marginMs, spareMs }) => {
        const leftMs = minimumMs(stages, marginMs) + spareMs;
        let floors = marginMs;
        let targets = marginMs;
        for (let index = stages.length - 1; index >= 0; index--) {
          const { required, floorMs, targetMs, capMs } = stages[index]!;
          const most = leftMs - (required ? floors : targets);
          const stated = most < floorMs ? undefined : Math.min(capMs, most);
          if (grantMs(stages, index, leftMs, marginMs) !== stated) return false;
          floors += required ? floorMs : 0;
          targets += required ? targetMs : 0;
        }
        return minimumMs(stages, marginMs) === floors;
      }),
      { numRuns: 10_000 },
    );
  });

  it("never gives less for more time", () => {
    fc.assert(
      fc.property(plan, fc.nat(5_000), ({ stages, marginMs, spareMs }, moreMs) => {
        return stages.every((_, index) => {
          const less = grantMs(stages, index, spareMs, marginMs) ?? -1;
          return (grantMs(stages, index, spareMs + moreMs, marginMs) ?? -1) >= less;
        });
      }),
      { numRuns: 10_000 },
    );
  });
});

describe("createBudget", () => {
  const stages = [
    { name: "embed", floorMs: 20, targetMs: 100, capMs: 500, required: false },
    { name: "search", floorMs: 50, targetMs: 200, capMs: 1_000, required: true },
    { name: "compress", floorMs: 10, targetMs: 50, capMs: 200, required: false },
    { name: "generate", floorMs: 300, targetMs: 2_000, capMs: 20_000, required: true },
  ] as const;
  const clock = { at: 0, now: () => clock.at };
  const start = (totalMs: number) => createBudget({ stages, totalMs, marginMs: 50, clock });

  it("shrinks with the clock", () => {
    const budget = start(3_000);
    expect(budget).toMatchObject({ admits: true, minimumMs: 400 });
    expect(budget.grantMs("embed")).toBe(500);
    clock.at += 500;
    expect(budget.grantMs("search")).toBe(1_000);
    clock.at += 1_000;
    expect(budget.leftMs()).toBe(1_500);
    expect(budget.grantMs("compress")).toBeUndefined();
    expect(budget.grantMs("generate")).toBe(1_450);
    clock.at += 1_200;
    expect(() => budget.grantMs("generate")).toThrow(OutOfTimeError);
    clock.at += 1_000;
    expect(budget.leftMs()).toBe(0);
  });

  it("does not admit a deadline below the required floors", () => {
    expect(start(399).admits).toBe(false);
    expect(start(400).admits).toBe(true);
    expect(start(400).grantMs("embed")).toBeUndefined();
    expect(start(400).grantMs("search")).toBe(50);
  });

  it("refuses a plan that cannot be meant", () => {
    const [embed] = stages;
    expect(() => createBudget({ stages: [{ ...embed, floorMs: 200 }], totalMs: 1 })).toThrow("floorMs <= targetMs");
    expect(() => createBudget({ stages: [{ ...embed, floorMs: NaN }], totalMs: 1 })).toThrow("floorMs <= targetMs");
    expect(() => createBudget({ stages: [embed, embed], totalMs: 1 })).toThrow("same name");
  });
});
