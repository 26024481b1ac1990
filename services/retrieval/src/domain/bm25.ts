/**
 * BM25 as Lucene computes it since version 8 (BM25Similarity, without the constant factor k1 + 1): for each term of the query
 *   ln(1 + (N - n + 0.5) / (n + 0.5)) x tf / (tf + k1 x (1 - b + b x length / average length))
 * with N passages, n of them holding the term tf times. Lengths are exact, where Lucene keeps them in one byte.
 */
export const k1 = 1.2;
export const b = 0.75;

/** The weight of a term that `holderCount` of `passageCount` passages hold. Above 0 for every term that is held. */
export function inverseDocumentFrequency(passageCount: number, holderCount: number): number {
  return Math.log(1 + (passageCount - holderCount + 0.5) / (holderCount + 0.5));
}

/** What a term's count is weighed against in a passage of `length` terms: the greater, the less a count says. */
export function lengthNorm(length: number, averageLength: number): number {
  return k1 * (1 - b + (averageLength > 0 ? (b * length) / averageLength : 0));
}
