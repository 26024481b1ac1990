import { dequantizeInt8, normalized } from "@quartet/vector";
import type { EncodedVector } from "../../domain/vector.ts";

/** Digits that tell any two neighbours of half precision (11 bits) apart. */
const significantDigits = 5;

/**
 * A vector as pgvector reads it, of length 1, so that the inner product of two is their cosine: half precision then costs at most 0.0005 of it
 * per component's own size. The zero vector stays zero, with cosine 0 to every other. Throws a RangeError on a component that is not finite.
 */
export function toHalfVector(vector: EncodedVector): string {
  const { values } = vector;
  const numbers =
    vector.kind === "float32" ? vector.values : dequantizeInt8({ bytes: vector.values, scale: vector.scale });
  const unit = normalized(numbers);
  const parts = new Array<string>(values.length);
  for (let index = 0; index < unit.length; index += 1) {
    const component = unit[index]!;
    if (!Number.isFinite(component)) throw new RangeError("a component of the vector is not a finite number");
    parts[index] = component === 0 ? "0" : component.toPrecision(significantDigits);
  }
  return `[${parts.join(",")}]`;
}

/** What `halfvec_send` gives: the number of components, 16 unused bits, and each component in half precision, all big-endian. */
export function fromHalfVectorBytes(bytes: Buffer): Float32Array {
  const numbers = (halfPrecision ??= makeHalfPrecision());
  const vector = new Float32Array(bytes.readUInt16BE(0));
  for (let index = 0; index < vector.length; index += 1) vector[index] = numbers[bytes.readUInt16BE(4 + 2 * index)]!;
  return vector;
}

/** The number that each of the 65,536 patterns of half precision stands for: looking it up takes a tenth of computing it. Made on first use. */
let halfPrecision: Float32Array | undefined;

/** IEEE 754 binary16: one bit of sign, five of exponent, ten of fraction. Infinities and NaN are never stored. */
function makeHalfPrecision(): Float32Array {
  return Float32Array.from({ length: 2 ** 16 }, (_, bits) => {
    const sign = bits >= 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}
