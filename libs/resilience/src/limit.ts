/** A call was ended by our own clock. */
export class HopTimeoutError extends Error {
  override readonly name = "HopTimeoutError";
  /** `total`: the whole grant. `first`: until a stream's first message. `idle`: between its messages. */
  readonly clock: "total" | "first" | "idle";
  readonly limitMs: number;

  constructor(hop: string, clock: "total" | "first" | "idle", limitMs: number) {
    super(`${hop}: no ${clock === "total" ? "answer" : "message"} within ${Math.round(limitMs)} ms`);
    this.clock = clock;
    this.limitMs = limitMs;
  }
}

/** How long one wait may take, and what it fails with beyond. */
export interface WaitLimit {
  readonly limitMs: number;
  readonly error: () => Error;
}

/** A signal of our own: aborted with the caller's, when time is over, and at the end in any case. */
export interface Limit {
  readonly signal: AbortSignal;
  /**
   * Waits for `work`, but not beyond the signal, nor (when given) beyond `timeout`, whose error then aborts the signal. One wait at a time.
   *
   * @throws the signal's reason.
   */
  wait<T>(work: Promise<T>, timeout?: WaitLimit): Promise<T>;
  /** Another limit as the total is one, from now until it is lifted by what is returned, or closed. */
  also(limit: WaitLimit): () => void;
  /** Aborts the signal and frees the timers. */
  close(): void;
}

/** The largest delay that Node's timers take; more would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** One for all calls: making a new error takes its stack. */
const callEnded = new Error("the call has ended");

/** The owner calls `close`, in `finally`. */
export function openLimit(signal: AbortSignal | undefined, total: WaitLimit): Limit {
  const controller = new AbortController();
  const own = controller.signal;
  /** Ends the wait there is. */
  let giveUp: ((reason: unknown) => void) | undefined;
  /** The last wait's, kept for the next one: messages of a stream have the same. */
  let timeout: WaitLimit | undefined;
  let timer: NodeJS.Timeout | undefined;

  const abort = (reason: unknown) => {
    if (own.aborted) return;
    // Before the work hears of it, whose own error would hide whose clock it was.
    giveUp?.(reason);
    controller.abort(reason);
  };
  const restartTimer = (next: WaitLimit | undefined) => {
    if (next === timeout) return void timer?.refresh();
    clearTimeout(timer);
    timeout = next;
    // It runs on after its wait, and counts for nothing until there is another.
    timer = next && setTimeout(() => giveUp && abort(next.error()), delayMs(next));
  };

  const onAbort = () => abort(signal?.reason);
  const startTimer = (limit: WaitLimit) => setTimeout(() => abort(limit.error()), delayMs(limit));
  const timers = [startTimer(total)];
  if (signal?.aborted) onAbort();
  else signal?.addEventListener("abort", onAbort, { once: true });
  return {
    signal: own,
    wait: (work, limit) =>
      new Promise((resolve, reject) => {
        const settle = (finish: () => void) => {
          giveUp = undefined;
          finish();
        };
        work.then(
          (value) => settle(() => resolve(value)),
          (error: unknown) => settle(() => reject(error)),
        );
        if (own.aborted) return reject(own.reason);
        giveUp = reject;
        restartTimer(limit);
      }),
    also: (limit) => {
      const started = startTimer(limit);
      timers.push(started);
      return () => clearTimeout(started);
    },
    close: () => {
      for (const started of timers) clearTimeout(started);
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      abort(callEnded);
    },
  };
}

const delayMs = ({ limitMs }: WaitLimit): number => Math.min(limitMs, MAX_TIMER_MS);
