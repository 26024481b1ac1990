import { describe, expect, it } from "@jest/globals";
import { decodeVector, encodeVector, keptForm } from "./vector-codec.ts";

const float32 = { kind: "float32", values: Float32Array.of(1, -0.5, 0) } as const;
const int8 = { kind: "int8", values: Int8Array.of(127, -127, 0), scale: 0.25 } as const;

describe("the form of vectors on disk", () => {
  it.each([float32, int8])("gives back what was written: %j", (vector) => {
    expect(decodeVector(encodeVector(vector))).toEqual(vector);
  });

  it("is one byte a component in a hashed space, and a copy of the caller's bytes", () => {
    expect(keptForm("hashed", float32)).toEqual({ kind: "int8", values: Int8Array.of(127, -63, 0), scale: 1 / 127 });
    expect(keptForm("semantic", float32)).toBe(float32);
    const kept = keptForm("semantic", int8);
    expect(kept).toEqual(int8);
    expect(kept.values.buffer).not.toBe(int8.values.buffer);
    expect(keptForm("hashed", { kind: "float32", values: new Float32Array(2) })).toMatchObject({ scale: 0 });
  });
});
