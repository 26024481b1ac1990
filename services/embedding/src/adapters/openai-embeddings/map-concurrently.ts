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
