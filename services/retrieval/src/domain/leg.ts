import type { LegKind } from "./fusion.ts";
import type { Hit, LegResult, PartialReason } from "./keyword-index.ts";

/** Why a leg gave nothing; names of the contract's registry. */
export type LegReason = PartialReason | "NO_QUERY_VECTOR";

/** How one leg of one source went. Degradation is data: no leg throws. */
export interface LegOutcome {
  readonly source: string;
  readonly leg: LegKind;
  readonly status: "ok" | "partial" | "failed" | "skipped";
  /** Undefined if and only if the status is `ok`. */
  readonly reason: LegReason | undefined;
  readonly elapsedMs: number;
  readonly hits: readonly Hit[];
  /** What went wrong, for logs. */
  readonly error?: unknown;
}

export interface Leg {
  readonly source: string;
  readonly leg: LegKind;
  /** Known before the leg is asked: it is skipped for this. */
  readonly skip?: LegReason;
  /** Known before the leg is asked: its result is usable and lacks something. */
  readonly partial?: PartialReason;
  readonly run: (signal: AbortSignal) => Promise<LegResult>;
}

class OutOfTimeError extends Error {}

/** Made once: an abort without a reason makes an exception with a stack for each leg of each search. */
const legEnded = new Error("the leg has ended");

/**
 * Runs one leg under its own signal: that of the call, or of its own limit, whichever comes first. A leg that is deaf to its signal is left
 * behind. Throws only when the call itself was aborted.
 */
export async function runLeg(
  { source, leg, skip, partial, run }: Leg,
  { signal, limitMs }: { readonly signal: AbortSignal; readonly limitMs: number },
): Promise<LegOutcome> {
  const outcome = (status: LegOutcome["status"], reason?: LegReason): LegOutcome => ({
    source,
    leg,
    status,
    reason,
    elapsedMs: 0,
    hits: [],
  });
  if (skip !== undefined) return outcome("skipped", skip);
  if (limitMs <= 0) return outcome("skipped", "OUT_OF_TIME");
  const started = performance.now();
  const elapsed = () => performance.now() - started;
  try {
    const result = await withLimit(run, { signal, limitMs });
    const reason = result.partial ?? partial;
    return { ...outcome(reason === undefined ? "ok" : "partial", reason), elapsedMs: elapsed(), hits: result.hits };
  } catch (error) {
    signal.throwIfAborted();
    const reason = error instanceof OutOfTimeError ? "OUT_OF_TIME" : "UPSTREAM_FAILED";
    return { ...outcome("failed", reason), elapsedMs: elapsed(), error };
  }
}

async function withLimit(
  run: Leg["run"],
  { signal, limitMs }: { readonly signal: AbortSignal; readonly limitMs: number },
): Promise<LegResult> {
  signal.throwIfAborted();
  const own = new AbortController();
  const aborted = Promise.withResolvers<never>();
  const stop = (reason: unknown) => {
    // Before the leg hears of it, whose error would hide whose clock it was.
    aborted.reject(reason);
    own.abort(reason);
  };
  const timer = setTimeout(() => stop(new OutOfTimeError()), limitMs);
  const onAbort = () => stop(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([run(own.signal), aborted.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    own.abort(legEnded);
  }
}
