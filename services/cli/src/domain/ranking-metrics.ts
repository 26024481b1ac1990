/**
 * What a ranking of documents is worth, as trec_eval defines it: gain is the grade itself (linear), the discount of rank r is
 * log2(r + 1), and the ideal ranking holds the judged documents by grade. A document without a judgement has grade 0; one with a grade of at
 * least 1 is relevant. Rankings hold each document once.
 */

/** Grades of one query's judged documents. */
export type Grades = ReadonlyMap<string, number>;

/** Normalised discounted cumulative gain of the first `depth` documents (Järvelin and Kekäläinen, 2002), in `[0, 1]`; 0 if nothing is relevant. */
export function ndcg(ranking: readonly string[], grades: Grades, depth: number): number {
  const gains = ranking.slice(0, depth).map((id) => gainOf(grades.get(id)));
  const ideal = [...grades.values()]
    .map(gainOf)
    .sort((a, b) => b - a)
    .slice(0, depth);
  const best = discounted(ideal);
  return best === 0 ? 0 : discounted(gains) / best;
}

/** The share of relevant documents that are among the first `depth`, in `[0, 1]`; 0 if nothing is relevant. */
export function recall(ranking: readonly string[], grades: Grades, depth: number): number {
  const relevant = [...grades].filter(([, grade]) => isRelevant(grade)).length;
  const found = ranking.slice(0, depth).filter((id) => isRelevant(grades.get(id))).length;
  return relevant === 0 ? 0 : found / relevant;
}

/** One over the rank of the first relevant document among the first `depth`; 0 if there is none. */
export function reciprocalRank(ranking: readonly string[], grades: Grades, depth: number): number {
  const index = ranking.slice(0, depth).findIndex((id) => isRelevant(grades.get(id)));
  return index === -1 ? 0 : 1 / (index + 1);
}

/** Whether a grade says that a document answers the query, at least in part. */
export const isRelevant = (grade: number | undefined): boolean => grade !== undefined && grade >= 1;

const gainOf = (grade: number | undefined): number => Math.max(0, grade ?? 0);

const discounted = (gains: readonly number[]): number =>
  gains.reduce((sum, gain, index) => sum + gain / Math.log2(index + 2), 0);

/** The documents that passages come from, each at the place of its best passage. */
export const documentsOf = (passages: readonly { readonly documentId: string }[]): string[] => [
  ...new Set(passages.map(({ documentId }) => documentId)),
];
