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

/** A signal of our own: aborted with the caller's, when time is over, and at the end in any case. */
export interface Limit {
  readonly signal: AbortSignal;
  /**
   * Waits for `work`, but not beyond the signal, nor (when given) beyond `timeout`, whose error then aborts the signal.
   *
   * @throws the signal's reason.
   */
  wait<T>(work: Promise<T>, timeout?: { readonly limitMs: number; readonly error: () => Error }): Promise<T>;
  /** Aborts the signal and frees the timer. */
  close(): void;
}

/** The largest delay that Node's timers take; more would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** One for all calls: making a new error takes its stack. */
const callEnded = new Error("the call has ended");

/** The owner calls `close`, in `finally`. */
export function openLimit(
  signal: AbortSignal | undefined,
  { limitMs, error }: { readonly limitMs: number; readonly error: () => Error },
): Limit {
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal?.reason);
  const timer = setTimeout(() => controller.abort(error()), Math.min(limitMs, MAX_TIMER_MS));
  if (signal?.aborted) onAbort();
  else signal?.addEventListener("abort", onAbort, { once: true });
  return {
    signal: controller.signal,
    wait: async (work, timeout) => {
      work.catch(() => {}); // When the signal wins, nobody listens to the work any more.
      controller.signal.throwIfAborted();
      const { promise: aborted, reject } = Promise.withResolvers<never>();
      const onOwnAbort = () => reject(controller.signal.reason);
      controller.signal.addEventListener("abort", onOwnAbort, { once: true });
      const own =
        timeout && setTimeout(() => controller.abort(timeout.error()), Math.min(timeout.limitMs, MAX_TIMER_MS));
      try {
        return await Promise.race([work, aborted]);
      } catch (error) {
        // Work that heard of the abort first fails with an error of its own, which hides whose clock it was.
        controller.signal.throwIfAborted();
        throw error;
      } finally {
        clearTimeout(own);
        controller.signal.removeEventListener("abort", onOwnAbort);
      }
    },
    close: () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      controller.abort(callEnded);
    },
  };
}
