import type { LegOutcome, LegReason } from "./leg.ts";
import { comparePlaces, type Place } from "./place.ts";

/**
 * Where a later page of a search starts. It goes along in page tokens and in kept results: plain data, small, and nothing of a document's.
 *
 * A search gives first what its legs found and the fusion ordered, then the rest of each leg's ranking:
 *   fused      from `fusedOffset` on; the legs are asked anew for the same, which costs what the search did.
 *   rankings   from the places in `legs` on.
 */
export interface PageStart {
  /** Stands for the sources, legs and reranker of the search: a start of another plan leads nowhere. */
  readonly plan: string;
  /** Whether what was fused was reranked as well. */
  readonly isReranked: boolean;
  /** How many of those fused were given or passed over; undefined once all were. */
  readonly fusedOffset?: number | undefined;
  /** In the order of the plan. */
  readonly legs: readonly LegStart[];
}

export interface LegStart {
  /** Why the leg took no part in the first page, and takes none in any other. */
  readonly leftOut?: LegReason | undefined;
  /** How many of its hits were given or passed over, and the last of them. */
  readonly rank: number;
  readonly last?: { readonly score: number; readonly passageId: number } | undefined;
  /** Whether it has no more. */
  readonly isAtEnd: boolean;
  /** Whether it gave something to the fusion that is not before that hit: then one has to ask it once more for what was given. */
  readonly isAhead: boolean;
}

/** What a ranking is read with after its first hits. */
export interface LegOfStart {
  readonly limit: number;
  /** Undefined where a leg gives its first hits and no more, as a graph's. */
  readonly more?: unknown;
  readonly queryKey: string;
}

/** Of a leg that gave less than there is because its store did not search to the end: it may have more. Other reasons say nothing of that. */
const cutShort: ReadonlySet<LegReason | undefined> = new Set<LegReason>([
  "PARTIAL_SHARDS",
  "OUT_OF_TIME",
  "UPSTREAM_FAILED",
]);

const notBegun: LegStart = { rank: 0, isAtEnd: false, isAhead: false };

/** Of the first pages: what is left out of the fusion stays left out. */
export function startInFused(
  plan: string,
  outcomes: readonly LegOutcome[],
  { fusedOffset, isReranked }: { readonly fusedOffset: number; readonly isReranked: boolean },
): PageStart {
  const legs = outcomes.map(({ status, reason }) =>
    status === "ok" || status === "partial" ? notBegun : { ...notBegun, leftOut: reason, isAtEnd: true },
  );
  return { plan, isReranked, fusedOffset, legs };
}

/**
 * Of the first page after all that was fused; undefined when there is none. A leg that gave the first hits of its ranking goes on behind them;
 * one that may have passed over some begins anew, and what it gave is left out.
 */
export function startOfRankings(
  start: PageStart,
  legs: readonly LegOfStart[],
  outcomes: readonly LegOutcome[],
): PageStart | undefined {
  const queries = new Set<string>();
  const starts = start.legs.map((leg, index): LegStart => {
    const { limit, more, queryKey } = legs[index]!;
    // Equal queries have one ranking, which is read once.
    const isRead = leg.leftOut === undefined && more !== undefined && !queries.has(queryKey);
    if (!isRead) return { ...leg, isAtEnd: true };
    queries.add(queryKey);
    const { hits, approximate, reason } = outcomes[index]!;
    if (approximate === true) return leg;
    const isAtEnd = hits.length < limit && !cutShort.has(reason);
    const last = hits.at(-1);
    if (last === undefined) return { ...leg, isAtEnd };
    const { score, passageId } = last;
    return { ...leg, rank: hits.length, last: { score, passageId }, isAtEnd };
  });
  if (starts.every(({ isAtEnd }) => isAtEnd)) return undefined;
  const withAhead = starts.map((leg, index) => ({ ...leg, isAhead: isAhead(outcomes[index]!, legs[index]!, leg) }));
  return { ...start, fusedOffset: undefined, legs: withAhead };
}

/** Whether a leg gave something to the fusion that is not before the place it has come to in its ranking, if to any. */
export function isAhead(
  { hits, approximate }: Pick<LegOutcome, "hits" | "approximate">,
  { more }: LegOfStart,
  { isAtEnd }: Pick<LegStart, "isAtEnd">,
  place?: Place,
): boolean {
  if (hits.length === 0) return false;
  if (more === undefined) return true;
  if (approximate !== true || isAtEnd) return false;
  return place === undefined || hits.some((hit) => comparePlaces(hit, place) > 0);
}
