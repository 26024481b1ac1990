import { fromLittleEndianBytes, quantizeInt8, toLittleEndianBytes } from "@quartet/vector";
import type { EmbeddingSpace } from "../../domain/collection.ts";
import type { EncodedVector } from "../../domain/vector.ts";

/** A vector as it lies in the file, in the encoding it came in. */
export interface VectorRow {
  /** Null for float32. */
  readonly scale: number | null;
  readonly components: Uint8Array;
}

/**
 * The form in which a space keeps a vector. Hashed ones are searched in one byte a component, so more is not written either. The bytes
 * are copied: those of a caller may be part of a large message, which would stay in memory with them.
 */
export function keptForm(kind: EmbeddingSpace["kind"], vector: EncodedVector): EncodedVector {
  if (vector.kind === "int8") return { ...vector, values: vector.values.slice() };
  if (kind === "semantic") return vector;
  const { bytes, scale } = quantizeInt8(vector.values);
  return { kind: "int8", values: bytes, scale };
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
