import { fromLittleEndianBytes, toLittleEndianBytes } from "@quartet/vector";
import type { EncodedVector } from "../../domain/vector.ts";

/** A vector as it lies in the file, in the encoding it came in. */
export interface VectorRow {
  /** Null for float32. */
  readonly scale: number | null;
  readonly components: Uint8Array;
}

export function encodeVector(vector: EncodedVector): VectorRow {
  if (vector.kind === "float32") return { scale: null, components: toLittleEndianBytes(vector.values) };
  const { buffer, byteOffset, byteLength } = vector.values;
  return { scale: vector.scale, components: new Uint8Array(buffer, byteOffset, byteLength) };
}

export function decodeVector({ scale, components }: VectorRow): EncodedVector {
  if (scale === null) return { kind: "float32", values: fromLittleEndianBytes(components) };
  const { buffer, byteOffset, byteLength } = components;
  return { kind: "int8", values: new Int8Array(buffer, byteOffset, byteLength), scale };
}
