import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { fromHalfVectorBytes, toHalfVector } from "./half-vector.ts";

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

  it("come back from their bytes", () => {
    const halves = { 0x3c00: 1, 0xc000: -2, 0x3555: 0.333251953125, 0x0001: 2 ** -24, 0x8400: -(2 ** -14), 0x0000: 0 };
    const bytes = Buffer.alloc(4 + 2 * Object.keys(halves).length);
    bytes.writeUInt16BE(Object.keys(halves).length, 0);
    Object.keys(halves).forEach((bits, index) => bytes.writeUInt16BE(Number(bits), 4 + 2 * index));
    expect([...fromHalfVectorBytes(bytes)]).toEqual(Object.values(halves));
  });
});
