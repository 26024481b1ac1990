import { setImmediate } from "node:timers/promises";

/** How far it reads ahead of its reader. */
const MAX_COUNT = 64;

/**
 * The same values, those that come in one turn of the event loop together: what a provider wrote at once, or while the reader was behind, goes on
 * as one. Nothing waits for more than that.
 */
export async function* together<T>(source: AsyncIterable<T>): AsyncGenerator<readonly T[], void, undefined> {
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
  try {
    for (;;) {
      read();
      if (come.length === 0 && end === undefined) await new Promise<void>((resolve) => (wake = resolve));
      if (end === undefined) await setImmediate();
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
