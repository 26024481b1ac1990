import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { dequantizeInt8, quantizeInt8 } from "./int8.ts";

const component = fc.float({ noNaN: true, noDefaultInfinity: true });
const vector = fc.array(component, { maxLength: 40 }).map((components) => Float32Array.from(components));

describe("int8 quantisation", () => {
  it("is off by at most half a scale in every component", () => {
    fc.assert(
      fc.property(vector, (original) => {
        const quantized = quantizeInt8(original);
        for (const [index, byte] of quantized.bytes.entries()) {
          expect(Math.abs(byte)).toBeLessThanOrEqual(127);
          expect(Math.abs(byte * quantized.scale - original[index]!)).toBeLessThanOrEqual(quantized.scale * 0.500_001);
        }
      }),
    );
  });

  it("keeps the largest component, zeros and signs", () => {
    const { bytes, scale } = quantizeInt8(Float32Array.of(0, -2, 1));
    expect([...bytes]).toEqual([0, -127, 64]);
    expect(scale).toBeCloseTo(2 / 127, 12);
    expect(quantizeInt8(new Float32Array(3))).toEqual({ bytes: new Int8Array(3), scale: 0 });
    expect([...dequantizeInt8({ bytes: Int8Array.of(-127, 0), scale: 0.5 })]).toEqual([-63.5, 0]);
  });

  it("refuses what is not finite", () => {
    expect(() => quantizeInt8(Float32Array.of(1, Number.NaN))).toThrow(RangeError);
    expect(() => quantizeInt8(Float32Array.of(Number.POSITIVE_INFINITY))).toThrow(RangeError);
  });
});
