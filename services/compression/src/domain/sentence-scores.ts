/** Half of a term's weight is reached at this count: a sentence that says the same thing twice is little better. */
const HALF_COUNT = 0.5;
/** An answer often stands beside the sentence that repeats the question's words. */
const NEIGHBOUR_SHARE = 0.15;

/** The terms of one sentence, with how often each occurs. */
export type TermCounts = ReadonlyMap<string, number>;

/** Counts the terms that a sentence shares with the question; the others have no part in its score. */
export function countTerms(found: readonly string[], wanted: ReadonlySet<string>): TermCounts {
  const counts = new Map<string, number>();
  for (const term of found) {
    if (wanted.has(term)) counts.set(term, (counts.get(term) ?? 0) + 1);
  }
  return counts;
}

/**
 * How much each sentence of each passage has to do with the question: the sum over the question's terms of weight x saturated
 * count (as BM25 saturates, without its length normalisation), plus a share of each neighbour's sum. At least 0 and without an
 * upper bound; comparable between the passages of one call.
 *
 * A term's weight is its idf among the sentences given, not in the language: search has found passages about the question's topic, so
 * the words of the topic tell little about which sentence answers it.
 */
export function sentenceScores(wanted: ReadonlySet<string>, passages: readonly (readonly TermCounts[])[]): number[][] {
  const weights = termWeights(wanted, passages.flat());
  return passages.map((sentences) => {
    const own = sentences.map((counts) => overlap(weights, counts));
    return own.map((score, index) => score + NEIGHBOUR_SHARE * ((own[index - 1] ?? 0) + (own[index + 1] ?? 0)));
  });
}

/** BM25's idf, which is above 0 also for a term that every sentence has. */
function termWeights(wanted: ReadonlySet<string>, sentences: readonly TermCounts[]): ReadonlyMap<string, number> {
  const holders = new Map<string, number>();
  for (const counts of sentences) {
    for (const term of counts.keys()) holders.set(term, (holders.get(term) ?? 0) + 1);
  }
  const idf = (count: number) => Math.log(1 + (sentences.length - count + 0.5) / (count + 0.5));
  return new Map([...wanted].map((term) => [term, idf(holders.get(term) ?? 0)]));
}

function overlap(weights: ReadonlyMap<string, number>, counts: TermCounts): number {
  let sum = 0;
  for (const [term, count] of counts) sum += (weights.get(term)! * count * (1 + HALF_COUNT)) / (count + HALF_COUNT);
  return sum;
}
