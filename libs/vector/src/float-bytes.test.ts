import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { fromLittleEndianBytes, toLittleEndianBytes } from "./float-bytes.ts";

describe("vectors as bytes", () => {
  it("are little-endian single precision", () => {
    expect([...toLittleEndianBytes(Float32Array.of(1, -2))]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
  });

  it("come back as they were, from any place in a buffer", () => {
    fc.assert(
      fc.property(fc.float32Array(), fc.nat(7), (vector, offset) => {
        const bytes = toLittleEndianBytes(vector);
        const elsewhere = new Uint8Array(offset + bytes.length);
        elsewhere.set(bytes, offset);
        expect(fromLittleEndianBytes(elsewhere.subarray(offset))).toEqual(vector);
      }),
    );
  });

  it("refuses a piece of a component", () => {
    expect(() => fromLittleEndianBytes(new Uint8Array(5))).toThrow("5 bytes are no whole vector");
  });
});
