import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { mean, percentile, rounded } from "./statistics.ts";

describe("percentile", () => {
  it("is by nearest rank", () => {
    expect(percentile([15, 20, 35, 40, 50], 0.3)).toBe(20);
    expect(percentile([15, 20, 35, 40, 50], 0.5)).toBe(35);
    expect(percentile([15, 20, 35, 40, 50], 1)).toBe(50);
    expect(percentile([3], 0.95)).toBe(3);
    expect(percentile([], 0.5)).toBe(0);
  });

  it("is a value that at least the share of values does not exceed", () => {
    const values = fc.array(fc.double({ noNaN: true, min: 0, max: 1e6 }), { minLength: 1 });
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (some, share) => {
        const value = percentile(some, share);
        expect(some).toContain(value);
        expect(some.filter((each) => each <= value).length).toBeGreaterThanOrEqual(share * some.length);
      }),
    );
  });
});

describe("mean and rounding", () => {
  it("are plain", () => {
    expect(mean([1, 2, 6])).toBe(3);
    expect(mean([])).toBe(0);
    expect(rounded(0.92345, 3)).toBe(0.923);
  });
});
