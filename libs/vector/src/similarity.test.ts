import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { allFinite, cosine, dot, normalized } from "./similarity.ts";

const component = fc.float({ noNaN: true, noDefaultInfinity: true });
const vector = fc.array(component, { maxLength: 20 }).map((components) => Float32Array.from(components));

describe("similarity", () => {
  it("normalises to length 1 at any scale, and leaves zero", () => {
    fc.assert(
      fc.property(vector, (any) => {
        const unit = normalized(any);
        const expected = any.some((value) => value !== 0) ? 1 : 0;
        expect(dot(unit, unit)).toBeCloseTo(expected, 5);
      }),
    );
  });

  it("has a cosine between -1 and 1 that ignores scale", () => {
    expect(cosine([1, 2], [2, 4])).toBeCloseTo(1, 12);
    expect(cosine([1, 0], [0, 3])).toBe(0);
    expect(cosine([1, 2], [-1, -2])).toBeCloseTo(-1, 12);
    expect(cosine([0, 0], [1, 1])).toBe(0);
    fc.assert(fc.property(vector, (any) => expect(Math.abs(cosine(any, any))).toBeLessThanOrEqual(1)));
  });

  it("refuses vectors of different lengths", () => {
    expect(() => dot([1], [1, 2])).toThrow("vectors of 1 and 2 dimensions");
    expect(() => cosine([1], [1, 2])).toThrow(RangeError);
  });

  it("tells NaN and infinity", () => {
    expect(allFinite([1, 2])).toBe(true);
    expect(allFinite([1, Number.NaN])).toBe(false);
    expect(allFinite(Float32Array.of(Number.NEGATIVE_INFINITY))).toBe(false);
    expect(allFinite([])).toBe(true);
  });
});
