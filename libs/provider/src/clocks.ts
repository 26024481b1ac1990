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
  /** Ends the wait that is pending, where one is. */
  let giveUp: ((reason: unknown) => void) | undefined;
  let stall: NodeJS.Timeout | undefined;
  let stallLimitMs: number | undefined;

  const end = (reason: unknown) => {
    controller.abort(reason);
    giveUp?.(signal.reason);
  };
  const expire = (clock: ExpiredClock, isFair = false) => {
    if (signal.aborted) return;
    expired = clock;
    end(new ClockExpiredError(clock, isFair));
  };
  /** The same timer for all waits: it is not stopped between them, only believed while one is pending. */
  const startStall = (limitMs: number) => {
    if (limitMs === stallLimitMs) return void stall?.refresh();
    clearTimeout(stall);
    stallLimitMs = limitMs;
    stall = setTimeout(() => {
      if (giveUp !== undefined) expire("STREAM_STALLED", limitMs === stallMs);
    }, limitMs);
  };
  const onCallerGone = () => end(caller.reason);
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
    wait: (next, limitMs = stallMs) =>
      new Promise((resolve, reject) => {
        giveUp = reject;
        if (signal.aborted) reject(signal.reason);
        else if (begun) startStall(Math.min(limitMs, stallMs));
        next.then(
          (value) => {
            giveUp = undefined;
            resolve(value);
          },
          (error: unknown) => {
            giveUp = undefined;
            reject(error);
          },
        );
      }),
    stop() {
      clearTimeout(total);
      clearTimeout(firstToken);
      clearTimeout(stall);
      caller.removeEventListener("abort", onCallerGone);
      end(stopped);
    },
  };
}
