/** Any vector of numbers; all functions here read it and change nothing. */
export type Vector = Float32Array | Float64Array | readonly number[];

/** Sum of the products of components. Throws a RangeError where the lengths differ. */
export function dot(a: Vector, b: Vector): number {
  if (a.length !== b.length) throw new RangeError(`vectors of ${a.length} and ${b.length} dimensions`);
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += a[index]! * b[index]!;
  return sum;
}

/** Cosine of the angle between two vectors, in [-1, 1]; 0 where either is the zero vector. Throws as dot() does. */
export function cosine(a: Vector, b: Vector): number {
  const lengths = euclideanLength(a) * euclideanLength(b);
  const product = dot(a, b);
  return lengths === 0 ? 0 : Math.min(1, Math.max(-1, product / lengths));
}

/** A copy of length 1 in the Euclidean norm, so that dot() is the cosine. The zero vector stays zero. */
export function normalized(vector: Vector): Float32Array {
  const length = euclideanLength(vector);
  return Float32Array.from(vector, (component) => (length === 0 ? 0 : component / length));
}

/** False where a component is NaN or infinite: such a vector compares as nothing and must not be stored. */
export function allFinite(vector: Vector): boolean {
  for (let index = 0; index < vector.length; index += 1) if (!Number.isFinite(vector[index])) return false;
  return true;
}

/** Scaled by the largest component first, so that neither tiny nor huge components are lost to under- or overflow. */
function euclideanLength(vector: Vector): number {
  let largest = 0;
  for (let index = 0; index < vector.length; index += 1) largest = Math.max(largest, Math.abs(vector[index]!));
  if (largest === 0 || !Number.isFinite(largest)) return largest;
  let sum = 0;
  for (let index = 0; index < vector.length; index += 1) sum += (vector[index]! / largest) ** 2;
  return largest * Math.sqrt(sum);
}
