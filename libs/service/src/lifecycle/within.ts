/** Something did not start or stop inside its limit. */
export class LimitExceededError extends Error {
  override readonly name = "LimitExceededError";
}

/**
 * Runs `work` with a signal that is aborted when `limitMs` is over or `signal` is aborted, and does not wait for work that ignores it.
 *
 * @throws {LimitExceededError} when the limit is over; the signal's reason when it was aborted; else what `work` throws.
 */
export async function within(
  what: string,
  { signal, limitMs }: { readonly signal: AbortSignal; readonly limitMs: number },
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const limit = new AbortController();
  const timer = setTimeout(() => {
    limit.abort(new LimitExceededError(`${what} took longer than ${limitMs} ms`));
  }, limitMs);
  const either = AbortSignal.any([signal, limit.signal]);
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(either.reason);
  either.addEventListener("abort", onAbort, { once: true });
  try {
    if (either.aborted) onAbort();
    await Promise.race([(async () => work(either))(), aborted]);
  } finally {
    clearTimeout(timer);
    either.removeEventListener("abort", onAbort);
  }
}
