import { openLimit, type WaitLimit } from "@quartet/resilience";

/** Which clock ran out. */
export type ExpiredClock = "OUT_OF_TIME" | "LLM_TTFT" | "STREAM_STALLED";

export interface ClocksOptions {
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal;
  /** From now to the end of the answer. */
  readonly totalMs: number;
  /** From now to the first token, all attempts together. */
  readonly firstTokenMs: number;
  /**
   * A first token that does not come within less than this says nothing about the provider: the caller was in a hurry. Default: 5 s.
   */
  readonly fairFirstTokenMs?: number;
  /** From the moment the next token is waited for until it comes; does not run while nobody reads. */
  readonly stallMs: number;
}

/** The reason of the signal when a clock runs out. */
export class ClockExpiredError extends Error {
  override readonly name = "ClockExpiredError";
  readonly clock: ExpiredClock;
  /** Whether the provider had the time that it may take: only then it is its fault. */
  readonly isFair: boolean;

  constructor(clock: ExpiredClock, isFair: boolean) {
    super(clock);
    this.clock = clock;
    this.isFair = isFair;
  }
}

export interface Clocks {
  /** Aborted when a clock runs out, the caller is gone, or `stop` is called. */
  readonly signal: AbortSignal;
  /** Which clock ran out; undefined while none has. */
  readonly expired: ExpiredClock | undefined;
  /** The first token is here. */
  begin(): void;
  /**
   * Waits for the next token, within `limitMs` where that is less than the stall limit; one wait at a time. Rejects when the signal is aborted.
   * What comes too late is dropped.
   */
  wait<T>(next: Promise<T>, limitMs?: number): Promise<T>;
  /** Ends everything that runs under these clocks. */
  stop(): void;
}

/**
 * The clocks of one streamed answer. Whichever ends first aborts the signal, which closes the provider's socket:
 *
 *     waiting for the first token --begin()--> reading --stop()--> stopped
 *        | total: OUT_OF_TIME                     | total: OUT_OF_TIME
 *        | first token: LLM_TTFT                  | between tokens, while a read is pending: STREAM_STALLED
 */
export function startClocks(options: ClocksOptions): Clocks {
  const { signal: caller, totalMs, firstTokenMs, fairFirstTokenMs = 5_000, stallMs } = options;
  const limit = openLimit(caller, { limitMs: totalMs, error: () => new ClockExpiredError("OUT_OF_TIME", false) });
  const { signal } = limit;
  const stallWithin = (limitMs: number): WaitLimit => ({
    limitMs,
    error: () => new ClockExpiredError("STREAM_STALLED", limitMs === stallMs),
  });
  const stall = stallWithin(stallMs);
  let begun = false;
  const firstTokenCame = limit.also({
    limitMs: firstTokenMs,
    error: () => new ClockExpiredError("LLM_TTFT", firstTokenMs >= fairFirstTokenMs),
  });

  return {
    signal,
    get expired() {
      const reason: unknown = signal.reason;
      return reason instanceof ClockExpiredError ? reason.clock : undefined;
    },
    begin() {
      begun = true;
      firstTokenCame();
    },
    wait(next, limitMs = stallMs) {
      if (!begun) return limit.wait(next);
      return limit.wait(next, limitMs < stallMs ? stallWithin(limitMs) : stall);
    },
    stop: limit.close,
  };
}
