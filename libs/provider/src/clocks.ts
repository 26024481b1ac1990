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
  /** Waits for the next token, within `limitMs` where that is less than the stall limit. Rejects when the signal is aborted. */
  wait<T>(next: Promise<T>, limitMs?: number): Promise<T>;
  /** Ends everything that runs under these clocks. */
  stop(): void;
}

/** One for all answers: making a new error takes its stack. */
const stopped = new Error("the answer has ended");

/**
 * The clocks of one streamed answer. Whichever ends first aborts the signal, which closes the provider's socket:
 *
 *     waiting for the first token --begin()--> reading --stop()--> stopped
 *        | total: OUT_OF_TIME                     | total: OUT_OF_TIME
 *        | first token: LLM_TTFT                  | between tokens, while a read is pending: STREAM_STALLED
 */
export function startClocks(options: ClocksOptions): Clocks {
  const { signal: caller, totalMs, firstTokenMs, fairFirstTokenMs = 5_000, stallMs } = options;
  const controller = new AbortController();
  const { signal } = controller;
  let expired: ExpiredClock | undefined;
  let begun = false;

  const expire = (clock: ExpiredClock, isFair = false) => {
    if (signal.aborted) return;
    expired = clock;
    controller.abort(new ClockExpiredError(clock, isFair));
  };
  const onCallerGone = () => controller.abort(caller.reason);
  const total = setTimeout(() => expire("OUT_OF_TIME"), totalMs);
  const firstToken = setTimeout(() => expire("LLM_TTFT", firstTokenMs >= fairFirstTokenMs), firstTokenMs);
  if (caller.aborted) onCallerGone();
  else caller.addEventListener("abort", onCallerGone, { once: true });

  return {
    signal,
    get expired() {
      return expired;
    },
    begin() {
      begun = true;
      clearTimeout(firstToken);
    },
    async wait(next, limitMs = stallMs) {
      const isFair = limitMs >= stallMs;
      const stall = begun ? setTimeout(() => expire("STREAM_STALLED", isFair), isFair ? stallMs : limitMs) : undefined;
      try {
        return await raceAbort(next, signal);
      } finally {
        clearTimeout(stall);
      }
    },
    stop() {
      clearTimeout(total);
      clearTimeout(firstToken);
      caller.removeEventListener("abort", onCallerGone);
      controller.abort(stopped);
    },
  };
}

/** The promise, or the signal's reason, whichever is first. What comes too late is dropped. */
function raceAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
