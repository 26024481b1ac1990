/** A vector in one byte a component: component = byte x scale. */
export interface ByteVector {
  readonly bytes: Int8Array;
  readonly scale: number;
}

/** The real numbers that the bytes stand for. */
export const fromBytes = ({ bytes, scale }: ByteVector): Float32Array =>
  Float32Array.from(bytes, (byte) => byte * scale);

/** The places of the `count` vectors with the greatest cosine to the query, best first; of equals, the first. */
export function nearest(query: Float32Array, vectors: readonly Float32Array[], count: number): readonly number[] {
  const best: { place: number; cosine: number }[] = [];
  vectors.forEach((vector, place) => {
    const cosine = cosineOf(query, vector);
    let rank = best.length;
    while (rank > 0 && cosine > best[rank - 1]!.cosine) rank -= 1;
    if (rank >= count) return;
    best.splice(rank, 0, { place, cosine });
    best.length = Math.min(best.length, count);
  });
  return best.map(({ place }) => place);
}

/** The share of what was to be found that was; 1 where nothing was to be. */
export function shareFound(wanted: readonly number[], found: readonly number[]): number {
  const places = new Set(found);
  return wanted.length === 0 ? 1 : wanted.filter((place) => places.has(place)).length / wanted.length;
}

/** 0 where either is the zero vector. */
function cosineOf(left: Float32Array, right: Float32Array): number {
  let [product, leftSquares, rightSquares] = [0, 0, 0];
  for (let index = 0; index < left.length; index += 1) {
    const [one, other] = [left[index]!, right[index]!];
    product += one * other;
    leftSquares += one * one;
    rightSquares += other * other;
  }
  const lengths = Math.sqrt(leftSquares * rightSquares);
  return lengths === 0 ? 0 : product / lengths;
}
