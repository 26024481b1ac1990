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
