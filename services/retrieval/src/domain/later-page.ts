import type { FusedHit } from "./fusion.ts";
import type { Hit, LegResult, PartialReason } from "./keyword-index.ts";
import { failedLeg, type Leg, type LegOutcome, type LegPartQuery } from "./leg.ts";
import { mergeRankings, type Ranking } from "./merged-rankings.ts";
import { isAhead, type LegStart, type PageStart, startOfRankings } from "./page-start.ts";
import { type PassageReader, readPage } from "./search-record.ts";
import type { FoundPassage } from "./search-request.ts";

/** What a page after the first is made with. */
export interface LaterPageParts {
  /** In the order of the plan, those that take no part as well. */
  readonly legs: readonly Leg[];
  readonly pageSize: number;
  readonly candidateLimit: number;
  readonly reader: PassageReader;
  readonly signal: AbortSignal;
  /** When what is asked of the legs must have ended, on the monotonic clock. */
  readonly legsAt: number;
  /** Runs legs as the first page did, in that order. */
  readonly run: (legs: readonly Leg[]) => Promise<readonly LegOutcome[]>;
  readonly fuse: (outcomes: readonly LegOutcome[]) => readonly FusedHit[];
  /** Told of each leg whose ranking was read, once, for metrics and logs. */
  readonly onLeg?: ((outcome: LegOutcome) => void) | undefined;
  /** The candidates as the reranker orders them; undefined when it could not. */
  readonly rerank: (candidates: readonly FusedHit[]) => Promise<readonly FusedHit[] | undefined>;
}

export interface LaterPage {
  readonly passages: readonly FoundPassage[];
  readonly outcomes: readonly LegOutcome[];
  /** Undefined when nothing is left. */
  readonly next: PageStart | undefined;
}

/**
 * What took part in the first page could not be asked for this one. Going on without it would leave out passages, or give some again, and the next
 * page could not tell which: the page is to be asked for once more.
 */
export class PageInterruptedError extends Error {
  /** What could not be asked; undefined for the reranker. */
  readonly outcome: LegOutcome | undefined;
  constructor(outcome?: LegOutcome) {
    super("a later page cannot do without what the first one had", { cause: outcome?.error });
    this.outcome = outcome;
  }
}

/**
 * The page that starts there. Pages end with the candidates, with what was fused, and with the rankings: one that does is short, and the next
 * may be empty. Throws PageInterruptedError, the signal's reason, and what reading passages throws.
 */
export async function readLaterPage(start: PageStart, parts: LaterPageParts): Promise<LaterPage> {
  const { fusedOffset } = start;
  return fusedOffset === undefined ? pageOfRankings(start, parts) : pageOfFused(start, fusedOffset, parts);
}

async function pageOfFused(start: PageStart, offset: number, parts: LaterPageParts): Promise<LaterPage> {
  const { legs, candidateLimit, pageSize, reader } = parts;
  const outcomes = await runAgain(start, parts);
  const fused = parts.fuse(outcomes.filter(({ status }) => status === "ok" || status === "partial"));
  const candidates = fused.slice(0, candidateLimit);
  const ordered = start.isReranked ? await parts.rerank(candidates) : candidates;
  if (ordered === undefined) throw new PageInterruptedError();
  const left = offset < candidates.length ? ordered.slice(offset) : fused.slice(offset);
  const { passages, taken } = await readPage(left, pageSize, reader);
  return { passages, outcomes, next: nextAfterFused({ ...start, fusedOffset: offset + taken }, fused, legs, outcomes) };
}

/** Where it goes on: in what was fused, or in the rankings. */
export function nextAfterFused(
  start: PageStart,
  fused: readonly FusedHit[],
  legs: readonly Leg[],
  outcomes: readonly LegOutcome[],
): PageStart | undefined {
  return start.fusedOffset! < fused.length ? start : startOfRankings(start, legs, outcomes);
}

async function pageOfRankings(start: PageStart, parts: LaterPageParts): Promise<LaterPage> {
  const { legs, pageSize, reader } = parts;
  const again = await runAgain(start, parts, ({ isAhead: isWanted }) => isWanted);
  const fused = new Set(again.flatMap(({ hits }) => hits.map(({ passageId }) => passageId)));
  const readings = legs.map((leg, index) => createReading(leg, start.legs[index]!, parts));
  const merged = await mergeRankings(
    readings.map(({ ranking }) => ranking),
    (passageId) => fused.has(passageId),
  );
  const passages: FoundPassage[] = [];
  while (passages.length < pageSize) {
    const hits = await merged.next(pageSize - passages.length);
    if (hits.length === 0) break;
    passages.push(...(await readPage(hits, pageSize, reader)).passages);
  }
  const { places } = merged;
  const outcomes = readings.map(({ outcome }) => outcome());
  for (const outcome of outcomes) if (outcome.status !== "skipped") parts.onLeg?.(outcome);
  const starts = merged.starts.map((leg, index) => {
    return { ...leg, isAhead: isAhead(again[index]!, legs[index]!, leg, places[index]) };
  });
  return {
    passages,
    outcomes,
    next: merged.isAtEnd ? undefined : { ...start, legs: starts },
  };
}

/** Legs of the first page once more, for the same; those that are not asked give nothing. */
async function runAgain(
  { legs: starts }: PageStart,
  { legs, run }: LaterPageParts,
  isWanted: (start: LegStart) => boolean = () => true,
): Promise<readonly LegOutcome[]> {
  const asked = legs.filter((_, index) => starts[index]!.leftOut === undefined && isWanted(starts[index]!));
  const outcomes = new Map((await run(asked)).map((outcome, index) => [asked[index]!, outcome]));
  const lost = [...outcomes.values()].find(isLost);
  if (lost !== undefined) throw new PageInterruptedError(lost);
  return legs.map((leg, index) => outcomes.get(leg) ?? leftOut(leg, starts[index]!));
}

/** A leg whose collections are gone is none that could not be asked: it has no more. */
const isLost = ({ status, reason }: LegOutcome): boolean =>
  (status === "failed" || status === "skipped") && reason !== "COLLECTION_MISSING";

function leftOut({ source, leg }: Leg, { leftOut: reason }: LegStart): LegOutcome {
  return { source, leg, status: "skipped", reason, elapsedMs: 0, hitCount: 0, hits: [] };
}

/** The ranking of a leg, and what became of the leg in reading it. */
function createReading(named: Leg, start: LegStart, { signal, legsAt, onLeg }: LaterPageParts) {
  const { source, leg, guard, limitMs, more } = named;
  let reason: PartialReason | undefined = named.partial;
  let elapsedMs = 0;
  const hits: Hit[] = [];
  const ask = (part: Parameters<LegPartQuery>[0]): Promise<LegResult> => {
    if (named.skip === "COLLECTION_MISSING") return Promise.resolve({ hits: [] });
    if (named.skip !== undefined) throw new PageInterruptedError({ ...leftOut(named, start), reason: named.skip });
    if (named.failure !== undefined) throw named.failure;
    // All that it searched is gone.
    if (more === undefined) return Promise.resolve({ hits: [] });
    return guard.run((options) => more(part, options), {
      signal,
      limitMs: Math.min(limitMs, legsAt - performance.now()),
    });
  };
  const read: Ranking["read"] = async (part) => {
    const startedAt = performance.now();
    try {
      const result = await ask(part);
      reason ??= result.partial;
      if (part.passageIds === undefined) hits.push(...result.hits);
      return result;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof PageInterruptedError) throw error;
      const lost = failedLeg(named, error);
      onLeg?.(lost);
      throw new PageInterruptedError(lost);
    } finally {
      elapsedMs += performance.now() - startedAt;
    }
  };
  const takesPart = start.leftOut === undefined;
  return {
    ranking: { source, leg, start, read },
    outcome: (): LegOutcome => {
      if (!takesPart) return leftOut(named, start);
      return {
        source,
        leg,
        status: reason === undefined ? "ok" : "partial",
        reason,
        elapsedMs,
        hitCount: hits.length,
        hits,
      };
    },
  };
}
