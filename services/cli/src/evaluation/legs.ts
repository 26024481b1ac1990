import { Fusion } from "@quartet/client";
import { patiently } from "../adapters/patiently.ts";
import { forEachConcurrently } from "../domain/concurrently.ts";
import type { DataSet, Query } from "../domain/data-set.ts";
import { documentsOf, ndcg, recall, reciprocalRank } from "../domain/ranking-metrics.ts";
import { mean, percentile, rounded } from "../domain/statistics.ts";
import { type Subject, within } from "./subject.ts";

/** Documents of a ranking that count. */
const depth = 10;

/** Passages asked for at first; several may be of one document, and then more are asked for. */
const firstPageSize = 20;
const largestPageSize = 100;

export const legs = { keyword: Fusion.KEYWORD_ONLY, vector: Fusion.VECTOR_ONLY, hybrid: Fusion.CONVEX } as const;

export type Leg = keyof typeof legs;

/** Means over all judged queries; a query that finds nothing counts as 0. */
export interface LegReport {
  readonly ndcg_at_10: number;
  readonly recall_at_10: number;
  readonly mrr_at_10: number;
  /** Of the first search of each query, as the client saw it, with the other calls under way. */
  readonly p50_ms: number;
  readonly p95_ms: number;
  /** Searches of which something was left out; above 0 the numbers are not what they could be. */
  readonly degraded: number;
}

/** Runs every query through one leg. */
export async function measureLeg(
  subject: Subject,
  { grades }: DataSet,
  queries: readonly Query[],
  leg: Leg,
): Promise<LegReport> {
  const scores: { ndcg: number; recall: number; rank: number }[] = [];
  const latencies: number[] = [];
  let degraded = 0;
  await forEachConcurrently(queries, subject.concurrency, async ({ id, text }) => {
    const found = await rank(subject, text, leg);
    const judged = grades.get(id) ?? new Map<string, number>();
    scores.push({
      ndcg: ndcg(found.documents, judged, depth),
      recall: recall(found.documents, judged, depth),
      rank: reciprocalRank(found.documents, judged, depth),
    });
    latencies.push(found.elapsedMs);
    if (found.isDegraded) degraded++;
    subject.onQuestion();
  });
  return {
    ndcg_at_10: rounded(mean(scores.map((score) => score.ndcg)), 4),
    recall_at_10: rounded(mean(scores.map((score) => score.recall)), 4),
    mrr_at_10: rounded(mean(scores.map((score) => score.rank)), 4),
    p50_ms: rounded(percentile(latencies, 0.5), 2),
    p95_ms: rounded(percentile(latencies, 0.95), 2),
    degraded,
  };
}

interface Ranking {
  readonly documents: readonly string[];
  readonly elapsedMs: number;
  readonly isDegraded: boolean;
}

/** The first ten documents, each at its best passage; asks for more passages while too few documents come and more may. */
async function rank(subject: Subject, query: string, leg: Leg): Promise<Ranking> {
  let elapsedMs: number | undefined;
  for (let pageSize = firstPageSize; ; pageSize = Math.min(pageSize * 2, largestPageSize)) {
    const startedAt = performance.now();
    const { passages, degradations } = await findPassages(subject, query, leg, pageSize);
    elapsedMs ??= performance.now() - startedAt;
    const documents = documentsOf(passages).map(subject.originalId);
    if (documents.length >= depth || passages.length < pageSize || pageSize === largestPageSize) {
      return { documents, elapsedMs, isDegraded: degradations.length > 0 };
    }
  }
}

/** The best passages of the corpus by one leg. */
export async function findPassages(subject: Subject, query: string, leg: Leg, pageSize: number) {
  const request = { query, pageSize, options: { ...within(subject), fusion: legs[leg] } };
  return await patiently(
    () => subject.client.search.searchPassages(request, { signal: subject.signal }),
    subject.signal,
  );
}
