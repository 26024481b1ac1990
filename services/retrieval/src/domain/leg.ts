import type { LegKind } from "./fusion.ts";
import type { Hit, LegResult, PartialReason } from "./keyword-index.ts";
import type { RankingPart } from "./place.ts";
import type { CallOptions } from "./record-store.ts";
import { StoreBusyError, StoreTimeoutError } from "./store-errors.ts";
import { isCircuitOpen, type StoreGuard } from "./store-guard.ts";

/** Why a store did not give what it was asked for; names of the contract's registry. */
export type FailureReason = "UPSTREAM_FAILED" | "OUT_OF_TIME" | "CIRCUIT_OPEN" | "OVERLOADED";

/** Why a leg gave nothing, or less than there is. */
export type LegReason = PartialReason | FailureReason | "NO_QUERY_VECTOR" | "COLLECTION_MISSING" | "NOT_ENABLED";

/** How one leg of one source went. Degradation is data: no leg throws. */
export interface LegReport {
  readonly source: string;
  readonly leg: LegKind;
  readonly status: "ok" | "partial" | "failed" | "skipped";
  /** Undefined if and only if the status is `ok`. */
  readonly reason: LegReason | undefined;
  readonly elapsedMs: number;
  readonly hitCount: number;
}

/** With what it found. */
export interface LegOutcome extends LegReport {
  /** On the monotonic clock; undefined when it was not run. */
  readonly startedAt?: number;
  readonly hits: readonly Hit[];
  /** As in `LegResult`. */
  readonly approximate?: true;
  /** What went wrong, for logs. */
  readonly error?: unknown;
}

export interface Leg {
  readonly source: string;
  readonly leg: LegKind;
  /** Known before the leg is asked: it is skipped for this. */
  readonly skip?: LegReason;
  /** Known before the leg is asked: it cannot be, for this error. */
  readonly failure?: unknown;
  /** Known before the leg is asked: its result is usable and lacks something. */
  readonly partial?: PartialReason;
  /** What stands before the leg's store. */
  readonly guard: StoreGuard;
  /** The most it may take. */
  readonly limitMs: number;
  /** The same for legs that ask the same store for the same within the same time: they are one query. */
  readonly queryKey: string;
  /** Undefined where there is nothing to ask: the leg is well and finds nothing, and no store hears of it. */
  readonly run: ((options: CallOptions) => Promise<LegResult>) | undefined;
  /** How many hits that gives at most. */
  readonly limit: number;
  /** A part of the ranking that `run` gives the first hits of; undefined where that is all there is, or nothing to ask. */
  readonly more?: LegPartQuery | undefined;
}

export type LegPartQuery = (part: RankingPart & { readonly limit: number }, options: CallOptions) => Promise<LegResult>;

/**
 * Runs one leg under its own signal: that of the call, or of its own limit, whichever comes first. A leg that is deaf to its signal is left
 * behind. Throws only when the call itself was aborted.
 */
export async function runLeg(
  named: Leg,
  { signal, limitMs }: { readonly signal: AbortSignal; readonly limitMs: number },
): Promise<LegOutcome> {
  const { source, leg, skip, failure, partial, guard, run } = named;
  const nothing = { source, leg, elapsedMs: 0, hitCount: 0, hits: [] };
  if (skip !== undefined) return { ...nothing, status: "skipped", reason: skip };
  if (failure !== undefined) return failedLeg(named, failure);
  if (limitMs <= 0) return { ...nothing, status: "skipped", reason: "OUT_OF_TIME" };
  const startedAt = performance.now();
  const time = () => ({ startedAt, elapsedMs: performance.now() - startedAt });
  try {
    const {
      hits,
      approximate,
      partial: found,
    } = run === undefined ? emptyResult : await guard.run(run, { signal, limitMs });
    const reason = found ?? partial;
    const status = reason === undefined ? "ok" : "partial";
    const more = approximate === true ? { approximate } : {};
    return { source, leg, status, reason, ...time(), hitCount: hits.length, hits, ...more };
  } catch (error) {
    signal.throwIfAborted();
    const outcome = failedLeg(named, error);
    return outcome.status === "skipped" ? outcome : { ...outcome, ...time() };
  }
}

/** The outcome of a leg whose store could not be asked, for this error. Behind an open breaker it was not even tried. */
export function failedLeg({ source, leg }: Pick<Leg, "source" | "leg">, error: unknown): LegOutcome {
  const reason = failureReasonOf(error);
  const status = reason === "CIRCUIT_OPEN" ? "skipped" : "failed";
  return { source, leg, status, reason, elapsedMs: 0, hitCount: 0, hits: [], error };
}

/** What callers are told of it. */
export function reportLeg({ source, leg, status, reason, elapsedMs, hitCount }: LegOutcome): LegReport {
  return { source, leg, status, reason, elapsedMs, hitCount };
}

const emptyResult: LegResult = { hits: [] };

/** As the contract names it. */
function failureReasonOf(error: unknown): FailureReason {
  if (isCircuitOpen(error)) return "CIRCUIT_OPEN";
  if (error instanceof StoreTimeoutError) return "OUT_OF_TIME";
  return error instanceof StoreBusyError ? "OVERLOADED" : "UPSTREAM_FAILED";
}
