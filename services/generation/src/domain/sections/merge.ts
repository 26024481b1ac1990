type Settled<T> =
  | { readonly source: AsyncIterator<T>; readonly result: IteratorResult<T, unknown> }
  | { readonly source: AsyncIterator<T>; readonly error: unknown };

/**
 * The events of several sources as they come, those of each source in its order. Sources are read at the same time; those that have
 * something are served in the order in which they had it, so that none keeps another waiting for more than one event.
 *
 * At most one event of each source is held, and a source is asked for its next only when that one has been taken: a reader that is slow
 * slows them all, and memory does not grow.
 *
 * @throws what a source throws. Whoever leaves early aborts the signal that the sources end by: they are told to return, but not waited for.
 */
export async function* mergeSources<T>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<T, void, undefined> {
  const iterators = sources.map((source) => source[Symbol.asyncIterator]());
  const settled: Settled<T>[] = [];
  let wake = (): void => undefined;
  const ask = (source: AsyncIterator<T>): void => {
    void source
      .next()
      .then(
        (result) => settled.push({ source, result }),
        (error: unknown) => settled.push({ source, error }),
      )
      .then(() => wake());
  };

  let open = iterators.length;
  for (const iterator of iterators) ask(iterator);
  try {
    while (open > 0) {
      const next = settled.shift();
      if (next === undefined) {
        await new Promise<void>((resolve) => (wake = resolve));
        continue;
      }
      if ("error" in next) throw next.error;
      if (next.result.done === true) {
        open -= 1;
        continue;
      }
      yield next.result.value;
      ask(next.source);
    }
  } finally {
    for (const iterator of iterators) void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}
