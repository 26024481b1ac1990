import { legKindsFor } from "./search-legs.ts";
import type { Reranking } from "./search-rerank.ts";
import type { SearchRequest } from "./search-request.ts";
import type { Source } from "./source.ts";

/** When the legs, the reranker and the whole search must have ended, on the monotonic clock. */
export interface Deadlines {
  readonly legsAt: number;
  readonly rerankAt: number;
  readonly endAt: number;
}

/** Nobody waits for it with a limit. */
export const whenever: Deadlines = { legsAt: Infinity, rerankAt: Infinity, endAt: Infinity };

/** Kept back from what the call has left, for fusing and reading passages after the legs. */
const reserveMs = (grantMs: number) => Math.min(50, grantMs * 0.1);

/** Kept back for the reranker, so that a leg that hangs does not cost the order as well. */
const rerankReserveMs = (grantMs: number, reranking: Reranking | undefined) =>
  reranking === undefined ? 0 : Math.min(reranking.timeLimitMs, grantMs / 4);

export function deadlinesOf(
  startedAt: number,
  grantMs: number | undefined,
  reranking: Reranking | undefined,
): Deadlines {
  if (grantMs === undefined) return whenever;
  const endAt = startedAt + grantMs;
  const rerankAt = endAt - reserveMs(grantMs);
  return { endAt, rerankAt, legsAt: rerankAt - rerankReserveMs(grantMs, reranking) };
}

/** The limits that a searcher was given. */
export interface LimitOptions {
  readonly legTimeLimitMs: number;
  readonly reranking?: Reranking | undefined;
}

/** The longest that legs, reranker and passages may take together by their own limits. */
export function longestMs(asked: readonly Source[], request: SearchRequest, options: LimitOptions): number {
  const { legTimeLimitMs, reranking } = options;
  const limits = asked.flatMap((source) =>
    legKindsFor(source, request).map(() => source.timeLimitMs ?? legTimeLimitMs),
  );
  const legsMs =
    request.execution === "sequential" ? limits.reduce((total, limitMs) => total + limitMs, 0) : Math.max(...limits);
  return legsMs + (reranking?.timeLimitMs ?? 0) + legTimeLimitMs;
}
