/** The largest delay that Node's timers take; more would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** One attempt's own signal: aborted with the caller's, at the deadline, and when the attempt is over. */
export interface AttemptScope {
  readonly signal: AbortSignal;
  close(): void;
}

/** Made once: an error of its own for each call would cost more than all else here. */
const OVER = new DOMException("the attempt is over", "AbortError");

/** The owner calls `close`, in `finally`: whatever the attempt left open is closed by it. */
export function openAttemptScope(signal: AbortSignal | undefined, remainingMs: number): AttemptScope {
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal?.reason);
  const timer = setTimeout(
    () => controller.abort(new DOMException("the deadline of this call is over", "TimeoutError")),
    Math.min(remainingMs, MAX_TIMER_MS),
  );
  if (signal?.aborted) onAbort();
  else signal?.addEventListener("abort", onAbort, { once: true });
  return {
    signal: controller.signal,
    close: () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      controller.abort(OVER);
    },
  };
}
