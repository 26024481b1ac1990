/** Four sums at once, which the processor can add in parallel; in a fixed order, so that equal rows score equally. */
export function dotAt(block: Float32Array, start: number, query: Float32Array): number {
  const length = query.length;
  const even = length - (length % 4);
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let index = 0; index < even; index += 4) {
    const at = start + index;
    a += block[at]! * query[index]!;
    b += block[at + 1]! * query[index + 1]!;
    c += block[at + 2]! * query[index + 2]!;
    d += block[at + 3]! * query[index + 3]!;
  }
  for (let index = even; index < length; index += 1) a += block[start + index]! * query[index]!;
  return a + b + (c + d);
}
