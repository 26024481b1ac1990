/** How far it has come. */
export interface Progress {
  readonly doneCount: number;
  readonly failedCount: number;
  readonly totalCount: number;
}

export interface WarmingOptions<T> {
  readonly items: readonly T[];
  /** Rejects where the item could not be warmed. Told to end, it does so soon. */
  readonly warm: (item: T, signal: AbortSignal) => Promise<unknown>;
  /** How many at once may be begun now, at least 1: it is asked before each. */
  readonly concurrency: () => number;
  /** Whoever aborts it ends the warming. */
  readonly signal: AbortSignal;
}

/**
 * Warms item after item, a few at once, and tells how far it has come: at the start, whenever items have ended since it was last asked, and at
 * the end. What fails is counted and holds up nothing. Ending it early ends what is under way.
 */
export async function* warmAll<T>({
  items,
  warm,
  concurrency,
  signal,
}: WarmingOptions<T>): AsyncGenerator<Progress, void, undefined> {
  const left = new AbortController();
  const ended = AbortSignal.any([signal, left.signal]);
  const waiting = items.values();
  const counts = { done: 0, failed: 0 };
  let running = 0;
  let next = 0;
  let change = Promise.withResolvers<void>();

  const begin = async (item: T) => {
    running++;
    try {
      await warm(item, ended);
    } catch {
      counts.failed++;
    } finally {
      running--;
      counts.done++;
      change.resolve();
    }
  };
  const fill = () => {
    for (; next < items.length && running < Math.max(1, concurrency()); next++) void begin(waiting.next().value!);
  };
  const progress = (): Progress => ({ doneCount: counts.done, failedCount: counts.failed, totalCount: items.length });
  const onAbort = () => change.resolve();
  signal.addEventListener("abort", onAbort);
  try {
    yield progress();
    for (let told = 0; told < items.length;) {
      fill();
      if (counts.done === told) await change.promise;
      signal.throwIfAborted();
      change = Promise.withResolvers();
      fill();
      // Before it is told: more may have ended by the time that somebody asks again.
      told = counts.done;
      yield progress();
    }
  } finally {
    left.abort(new Error("nobody waits for the warming any more"));
    signal.removeEventListener("abort", onAbort);
  }
}
