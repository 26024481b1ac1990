/** Which clock ran out. */
export type ExpiredClock = "OUT_OF_TIME" | "LLM_TTFT" | "STREAM_STALLED";

export interface ClocksOptions {
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal;
  /** From now to the end of the answer. */
  readonly totalMs: number;
  /** From now to the first token, all attempts together. */
  readonly firstTokenMs: number;
  /** From the moment the next token is waited for until it comes; does not run while nobody reads. */
  readonly stallMs: number;
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

/**
 * The clocks of one streamed answer. Whichever ends first aborts the signal, which closes the provider's socket:
 *
 *     waiting for the first token --begin()--> reading --stop()--> stopped
 *        | total: OUT_OF_TIME                     | total: OUT_OF_TIME
 *        | first token: LLM_TTFT                  | between tokens, while a read is pending: STREAM_STALLED
 */
export function startClocks({ signal: caller, totalMs, firstTokenMs, stallMs }: ClocksOptions): Clocks {
  const controller = new AbortController();
  const { signal } = controller;
  let expired: ExpiredClock | undefined;
  let begun = false;

  const expire = (failure: ExpiredClock) => {
    if (signal.aborted) return;
    expired = failure;
    controller.abort(new Error(failure));
  };
  const onCallerGone = () => controller.abort(caller.reason);
  const total = setTimeout(() => expire("OUT_OF_TIME"), totalMs);
  const firstToken = setTimeout(() => expire("LLM_TTFT"), firstTokenMs);
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
      const stall = begun ? setTimeout(() => expire("STREAM_STALLED"), Math.min(limitMs, stallMs)) : undefined;
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
      controller.abort();
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
