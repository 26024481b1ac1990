import type { StoredPassage } from "./document.ts";
import type { FusedHit } from "./fusion.ts";
import type { RerankCandidate, RerankedPassage, Reranker } from "./reranker.ts";
import type { KeyedSearch } from "./search-key.ts";
import type { StoreGuard } from "./store-guard.ts";

/** A reranker with what stands before it. */
export interface Reranking {
  readonly reranker: Reranker;
  readonly guard: StoreGuard;
  /** The most it may take, within what the call has left. */
  readonly timeLimitMs: number;
}

export interface RerankCall {
  readonly signal: AbortSignal;
  /** When it must have ended, on the monotonic clock. */
  readonly endAt: number;
  /** The passages that still exist. */
  readonly read: (ids: readonly number[]) => Promise<ReadonlyMap<number, StoredPassage>>;
  /** Told why it could not be done, for logs. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

export interface Reranked {
  readonly hits: readonly FusedHit[];
  /** Whether it could not be done, so that the fusion's order stands. */
  readonly failed: boolean;
}

/**
 * What the fusion found, best first, as the reranker orders it: those that it scored by that score; behind them the rest in the fusion's order,
 * with scores below. Throws only what `read` throws and the signal's reason.
 */
export async function rerank(
  fused: readonly FusedHit[],
  { tenant, request, collections }: Pick<KeyedSearch, "tenant" | "request" | "collections">,
  { reranker, guard, timeLimitMs }: Reranking,
  { signal, endAt, read, onError }: RerankCall,
): Promise<Reranked> {
  const { query: text, vector, fusion } = request;
  const search = { tenant, text, vector, fusion, collections };
  if (reranker.suits?.(search) === false) return { hits: fused, failed: false };
  const asked = fused.slice(0, reranker.maxCandidates);
  if (asked.length < 2) return { hits: fused, failed: false };
  const candidates = reranker.readsTexts ? await withTexts(asked, read) : asked.map(withoutText);
  if (candidates.length < 2) return { hits: fused, failed: false };
  try {
    const limitMs = Math.min(timeLimitMs, endAt - performance.now());
    const scored = await guard.run((options) => reranker.rerank({ ...search, candidates }, options), {
      signal,
      limitMs,
    });
    return { hits: reorder(fused, scored), failed: false };
  } catch (error) {
    signal.throwIfAborted();
    onError?.(error);
    return { hits: fused, failed: true };
  }
}

const withoutText = ({ passageId, score }: FusedHit): RerankCandidate => ({ passageId, text: "", title: "", score });

/** Without those that were deleted since they were found. */
async function withTexts(hits: readonly FusedHit[], read: RerankCall["read"]): Promise<readonly RerankCandidate[]> {
  const passages = await read(hits.map(({ passageId }) => passageId));
  return hits.flatMap(({ passageId, score }) => {
    const passage = passages.get(passageId);
    return passage === undefined ? [] : [{ passageId, text: passage.text, title: passage.document.title, score }];
  });
}

function reorder(fused: readonly FusedHit[], scored: readonly RerankedPassage[]): readonly FusedHit[] {
  const usable = scored.filter(({ score }) => Number.isFinite(score));
  const scores = new Map(usable.map(({ passageId, score }) => [passageId, Math.min(1, Math.max(0, score))]));
  const ranked = fused.filter(({ passageId }) => scores.has(passageId));
  const lowest = Math.min(1, ...ranked.map(({ passageId }) => scores.get(passageId)!));
  const rest = fused.filter(({ passageId }) => !scores.has(passageId));
  return [
    // Sorting is stable: equal scores stand as the fusion ordered them.
    ...ranked
      .map((hit) => ({ ...hit, score: scores.get(hit.passageId)! }))
      .sort((left, right) => right.score - left.score),
    ...rest.map((hit) => ({ ...hit, score: hit.score * lowest })),
  ];
}
