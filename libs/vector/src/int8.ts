/** A vector in one byte a component: component = byte x scale, byte in [-127, 127]. */
export interface Int8Vector {
  readonly bytes: Int8Array;
  readonly scale: number;
}

/**
 * Symmetric quantisation by the largest component. Each component is off by at most half a scale, which is 1/254 of
 * the largest. Throws a RangeError on a component that is not finite. The zero vector has scale 0.
 */
export function quantizeInt8(vector: Float32Array): Int8Vector {
  let largest = 0;
  for (const component of vector) {
    if (!Number.isFinite(component)) throw new RangeError("a component is not a finite number");
    largest = Math.max(largest, Math.abs(component));
  }
  const scale = largest / 127;
  const bytes = new Int8Array(vector.length);
  if (scale > 0)
    for (let index = 0; index < vector.length; index += 1) bytes[index] = Math.round(vector[index]! / scale);
  return { bytes, scale };
}

/** The vector that the bytes stand for. */
export function dequantizeInt8({ bytes, scale }: Int8Vector): Float32Array {
  return Float32Array.from(bytes, (byte) => byte * scale);
}
