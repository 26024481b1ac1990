import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { toHalfVector } from "./half-vector.ts";

const numbersOf = (text: string) => JSON.parse(text) as number[];

describe("vectors as pgvector reads them", () => {
  it("have length 1, whatever they are encoded in", () => {
    expect(numbersOf(toHalfVector({ kind: "float32", values: Float32Array.of(3, 0, -4) }))).toEqual([0.6, 0, -0.8]);
    expect(numbersOf(toHalfVector({ kind: "int8", values: Int8Array.of(0, 5), scale: 1e-9 }))).toEqual([0, 1]);
  });

  it("stay zero, with a cosine of 0 to all", () => {
    expect(toHalfVector({ kind: "float32", values: new Float32Array(2) })).toBe("[0,0]");
  });

  it("lose nothing that half precision keeps", () => {
    fc.assert(
      fc.property(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 }), (components) => {
        const values = Float32Array.from(components);
        const largest = Math.hypot(...values);
        fc.pre(Number.isFinite(largest) && largest > 1e-20);
        const read = numbersOf(toHalfVector({ kind: "float32", values }));
        for (const [index, component] of read.entries()) {
          expect(Math.abs(component - values[index]! / largest)).toBeLessThanOrEqual(1e-4);
        }
      }),
    );
  });

  it("refuse what is not a number", () => {
    expect(() => toHalfVector({ kind: "float32", values: Float32Array.of(1, Number.NaN) })).toThrow(RangeError);
  });
});
