import {
  allFinite,
  dequantizeInt8,
  fromLittleEndianBytes,
  type Int8Vector,
  quantizeInt8,
  toLittleEndianBytes,
} from "@quartet/vector";
import type { TextVector } from "./embedder.ts";

/** How vectors are kept: with a byte a component and one scale, or as they came from the model, in four times as much. */
export const vectorForms = ["int8", "float32"] as const;
export type VectorForm = (typeof vectorForms)[number];

/**
 * A vector in one run of bytes, which is what the caches hold, in memory and in Redis: a byte of flags, then either the scale as IEEE 754 single
 * precision and a signed byte for each component, or the components in single precision; little-endian. One buffer rather than an
 * object, because the overhead of a second one is as large as a small vector.
 */
export type PackedVector = Uint8Array;

/** What a packed vector holds. Both forms mean real numbers. */
export type VectorComponents =
  ({ readonly form: "int8" } & Int8Vector) | { readonly form: "float32"; readonly values: Float32Array };

const TRUNCATED = 1;
const INT8 = 2;
const FLAG_BYTES = 1;
const SCALE_BYTES = 4;

/**
 * Packs a vector, of length 1 or 0, in the form given. It is packed before anybody sees it: a text has the same vector whether it was just made or kept.
 *
 * @throws {RangeError} on a component that is not finite
 */
export function packVector({ vector, truncated }: TextVector, form: VectorForm): PackedVector {
  const flags = (truncated ? TRUNCATED : 0) | (form === "int8" ? INT8 : 0);
  if (form === "float32") {
    const packed = new Uint8Array(FLAG_BYTES + vector.byteLength);
    packed[0] = flags;
    packed.set(toLittleEndianBytes(vector), FLAG_BYTES);
    return packed;
  }
  const { bytes, scale } = toInt8(vector);
  const packed = new Uint8Array(FLAG_BYTES + SCALE_BYTES + bytes.length);
  packed[0] = flags;
  viewOf(packed).setFloat32(FLAG_BYTES, scale, true);
  packed.set(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), FLAG_BYTES + SCALE_BYTES);
  return packed;
}

/** A vector in a byte a component, with a scale in single precision that keeps its length. */
export function toInt8(vector: Float32Array): Int8Vector {
  const { bytes } = quantizeInt8(vector);
  return { bytes, scale: scaleThatKeepsLength(vector, bytes) };
}

/**
 * Rounding makes a vector a little longer or shorter; a scale that undoes it keeps cosines nearer to what they were than the step of the
 * rounding does (recall@10 against exact search .990 to .993 instead of .983 to .987 on three sets), and products of two are cosines.
 * Above 0 also where every byte is 0, as the contract has it.
 */
function scaleThatKeepsLength(vector: Float32Array, bytes: Int8Array): number {
  const [wanted, rounded] = [euclideanLength(vector), euclideanLength(bytes)];
  return rounded === 0 ? 1 : Math.fround(wanted / rounded) || 1;
}

function euclideanLength(numbers: Float32Array | Int8Array): number {
  let sum = 0;
  for (const each of numbers) sum += each * each;
  return Math.sqrt(sum);
}

/** Whether the end of the text was left out. */
export const isTruncated = (packed: PackedVector): boolean => ((packed[0] ?? 0) & TRUNCATED) !== 0;

/** The components, in the form they are kept in; int8 without a copy. */
export function componentsOf(packed: PackedVector): VectorComponents {
  if (((packed[0] ?? 0) & INT8) === 0)
    return { form: "float32", values: fromLittleEndianBytes(packed.subarray(FLAG_BYTES)) };
  const { buffer, byteOffset, byteLength } = packed.subarray(FLAG_BYTES + SCALE_BYTES);
  return {
    form: "int8",
    bytes: new Int8Array(buffer, byteOffset, byteLength),
    scale: viewOf(packed).getFloat32(FLAG_BYTES, true),
  };
}

/** The real numbers that the components mean, in single precision. */
export const toFloat32 = (components: VectorComponents): Float32Array =>
  components.form === "float32" ? components.values : dequantizeInt8(components);

/** How many components there are. */
export const dimensionsOf = (packed: PackedVector): number =>
  ((packed[0] ?? 0) & INT8) === 0
    ? (packed.byteLength - FLAG_BYTES) / Float32Array.BYTES_PER_ELEMENT
    : packed.byteLength - FLAG_BYTES - SCALE_BYTES;

/** Whether bytes from elsewhere are a packed vector of this form: whole, finite, of one component at least. */
export function isPackedVector(bytes: Uint8Array, form: VectorForm): boolean {
  const flags = bytes[0];
  if (flags === undefined || (flags & ~TRUNCATED) !== (form === "int8" ? INT8 : 0)) return false;
  const dimensions = dimensionsOf(bytes);
  if (dimensions < 1 || !Number.isInteger(dimensions)) return false;
  const components = componentsOf(bytes);
  if (components.form === "float32") return allFinite(components.values);
  return components.scale > 0 && Number.isFinite(components.scale);
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array) => new DataView(buffer, byteOffset, byteLength);
