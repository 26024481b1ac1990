import { describe, expect, it } from "@jest/globals";
import { cosine, dot, normalized } from "@quartet/vector";
import fc from "fast-check";
import {
  componentsOf,
  dimensionsOf,
  isPackedVector,
  isTruncated,
  packVector,
  toFloat32,
  vectorForms,
} from "./packed-vector.ts";

const unit = fc
  .array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 64 })
  .map((components) => normalized(components));

describe("packVector", () => {
  it("gives back a vector bit by bit in float32", () => {
    fc.assert(
      fc.property(unit, fc.boolean(), (vector, truncated) => {
        const packed = packVector({ vector, truncated }, "float32");
        expect(packed.byteLength).toBe(1 + 4 * vector.length);
        expect([componentsOf(packed), isTruncated(packed)]).toEqual([{ form: "float32", values: vector }, truncated]);
      }),
    );
  });

  it("is rounded to whole steps in int8, a byte a component, with the length it had", () => {
    fc.assert(
      fc.property(unit, fc.boolean(), (vector, truncated) => {
        const packed = packVector({ vector, truncated }, "int8");
        const components = componentsOf(packed);
        if (components.form !== "int8") throw new Error("not int8");
        expect(packed.byteLength).toBe(5 + vector.length);
        expect([isTruncated(packed), dimensionsOf(packed)]).toEqual([truncated, vector.length]);
        expect(components.scale).toBeGreaterThan(0);
        const read = toFloat32(components);
        expect(dot(read, read)).toBeCloseTo(dot(vector, vector), 5);
        const step = Math.max(...vector.map(Math.abs)) / 127;
        for (const [index, byte] of components.bytes.entries())
          expect(Math.abs(byte * step - vector[index]!)).toBeLessThanOrEqual(step * 0.500_01);
      }),
    );
  });

  it("keeps the direction of vectors as long as a model's", () => {
    const vector = normalized(Array.from({ length: 384 }, (_, index) => Math.sin(index * index)));
    expect(cosine(toFloat32(componentsOf(packVector({ vector, truncated: false }, "int8"))), vector)).toBeGreaterThan(
      0.9999,
    );
  });

  it("has a scale above 0 for the zero vector too, and takes nothing that is no number", () => {
    const zero = componentsOf(packVector({ vector: new Float32Array(3), truncated: false }, "int8"));
    expect(zero).toEqual({ form: "int8", bytes: new Int8Array(3), scale: 1 });
    expect(() => packVector({ vector: Float32Array.of(NaN), truncated: false }, "int8")).toThrow(RangeError);
  });
});

describe("isPackedVector", () => {
  it("takes what was packed, in its own form alone", () => {
    fc.assert(
      fc.property(unit, fc.boolean(), fc.constantFrom(...vectorForms), (vector, truncated, form) => {
        const packed = packVector({ vector, truncated }, form);
        for (const other of vectorForms) expect(isPackedVector(packed, other)).toBe(other === form);
        expect(dimensionsOf(packed)).toBe(vector.length);
      }),
    );
  });

  it("refuses what is cut, has flags of nobody, or holds what is no number", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), fc.constantFrom(...vectorForms), (garbage, form) => {
        if (isPackedVector(garbage, form)) expect(toFloat32(componentsOf(garbage)).every(Number.isFinite)).toBe(true);
      }),
    );
    const infinite = packVector({ vector: Float32Array.of(1, Infinity), truncated: false }, "float32");
    expect(isPackedVector(infinite, "float32")).toBe(false);
    for (const bytes of [
      [],
      [0],
      [2, 0, 0, 128, 63],
      [2, 0, 0, 0, 0, 1],
      [6, 0, 0, 128, 63, 1],
      [2, 0, 0, 128, 255, 1],
    ])
      for (const form of vectorForms) expect(isPackedVector(Uint8Array.from(bytes), form)).toBe(false);
  });
});
