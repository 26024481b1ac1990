/** The array itself, or a copy of at least that length, doubled so that growing one by one costs little. */
export function grown<Numbers extends Uint8Array | Uint32Array | Int32Array | Float32Array | Float64Array>(
  array: Numbers,
  length: number,
): Numbers {
  if (array.length >= length) return array;
  const constructor = array.constructor as new (length: number) => Numbers;
  const larger = new constructor(Math.max(length, array.length * 2, 64));
  larger.set(array as never);
  return larger;
}
