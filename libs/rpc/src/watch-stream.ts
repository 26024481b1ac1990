/** What to do at each point of a stream's life. `ended`, `failed` and `left` exclude each other, and are called once. */
export interface StreamWatcher<T> {
  /** A message passes; what it throws ends the stream. */
  readonly next?: (message: T) => void;
  /** The source has come to its end. */
  readonly ended?: () => void;
  /** The source failed; gives the error that the reader sees. */
  readonly failed?: (error: unknown) => unknown;
  /** The reader went away before the end. */
  readonly left?: () => void;
}

/** The same stream, watched. Written by hand: an async generator would queue a `return()` behind a read that never comes back. */
export function watchStream<T>(source: AsyncIterable<T>, watcher: StreamWatcher<T>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = source[Symbol.asyncIterator]();
      let open = true;
      const fail = (error: unknown): never => {
        if (!open) throw error;
        open = false;
        throw watcher.failed === undefined ? error : watcher.failed(error);
      };
      return {
        next: () =>
          iterator.next().then((result) => {
            if (result.done === true) {
              if (open) watcher.ended?.();
              open = false;
              return result;
            }
            try {
              watcher.next?.(result.value);
            } catch (error) {
              iterator.return?.().catch(() => undefined);
              return fail(error);
            }
            return result;
          }, fail),
        return: async (value?: unknown) => {
          if (open) watcher.left?.();
          open = false;
          await iterator.return?.(value);
          return { done: true, value: undefined };
        },
      };
    },
  };
}
