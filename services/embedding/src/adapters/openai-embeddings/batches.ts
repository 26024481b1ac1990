export interface BatchLimits {
  /** At least 1. */
  readonly maxTexts: number;
  /** Of UTF-8. A text above it goes alone. */
  readonly maxBytes: number;
}

/** Cuts a list of texts into runs that a provider takes in one call, in order. */
export function batches(texts: readonly string[], { maxTexts, maxBytes }: BatchLimits): string[][] {
  const found: string[][] = [];
  let bytes = 0;
  for (const text of texts) {
    const own = Buffer.byteLength(text);
    const last = found.at(-1);
    if (last !== undefined && last.length < maxTexts && bytes + own <= maxBytes) {
      last.push(text);
      bytes += own;
    } else {
      found.push([text]);
      bytes = own;
    }
  }
  return found;
}

/**
 * Runs `work` on each item, a few at once, and gives the results in order. The first failure aborts the others, and is thrown when all of
 * them have ended.
 */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  { atOnce, signal }: { readonly atOnce: number; readonly signal: AbortSignal },
  work: (item: T, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const results: R[] = [];
  const left = items.entries();
  const errors: unknown[] = [];
  const run = async () => {
    for (const [index, item] of left) {
      try {
        either.throwIfAborted();
        results[index] = await work(item, either);
      } catch (error) {
        errors.push(error);
        failed.abort(error);
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, run));
  if (errors.length > 0) throw errors[0];
  return results;
}
