import { setImmediate } from "node:timers/promises";
import type { PacedStream } from "./pace.ts";

/** How far it reads ahead of its reader. */
const MAX_COUNT = 64;
/** Timers fire once a millisecond at most. */
const MIN_TIMER_MS = 1;

/**
 * The same values, those that come in one turn of the event loop together, and those that come while the stream rests: what a provider wrote at once, or
 * faster than the process can pass on one by one, goes on as one. The first, which people wait for, goes on at once, as does what is left at the end.
 * Whoever passes something on tells the stream.
 */
export async function* together<T>(
  source: AsyncIterable<T>,
  paced: Pick<PacedStream, "restMs">,
): AsyncGenerator<readonly T[], void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  let come: T[] = [];
  let end: { readonly failed: boolean; readonly error?: unknown } | undefined;
  let isReading = false;
  let wake = (): void => undefined;
  const read = (): void => {
    if (isReading || end !== undefined || come.length >= MAX_COUNT) return;
    isReading = true;
    iterator.next().then(
      (result) => {
        isReading = false;
        if (result.done === true) end = { failed: false };
        else come.push(result.value);
        wake();
        read();
      },
      (error: unknown) => {
        end = { failed: true, error };
        wake();
      },
    );
  };
  /** Until then, or until there is no reason to wait for more. */
  const rest = async (ms: number) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    wake = () => {
      if (end !== undefined || come.length >= MAX_COUNT) resolve();
    };
    wake();
    await promise;
    clearTimeout(timer);
  };
  try {
    for (;;) {
      read();
      if (come.length === 0 && end === undefined) await new Promise<void>((resolve) => (wake = resolve));
      if (end === undefined) {
        const restMs = paced.restMs();
        if (restMs !== undefined) await (restMs < MIN_TIMER_MS ? setImmediate() : rest(restMs));
      }
      const batch = come;
      come = [];
      if (batch.length > 0) yield batch;
      else if (end?.failed === true) throw end.error;
      else if (end !== undefined) return;
    }
  } finally {
    // Not waited for: a read that is pending ends by its signal.
    void iterator.return?.().catch(() => undefined);
  }
}
