export interface RefreshedOptions<T> {
  /** Fetches the value anew. It has a limit of its own: nobody's signal is in it, because several may wait for it. */
  readonly load: () => Promise<T>;
  /** What holds until the first load succeeded. */
  readonly initial: T;
  /** For how long a value is given out without asking again. */
  readonly freshMs: number;
  /** For how much longer it is still given out while it is being refreshed; after that, callers wait. */
  readonly staleMs: number;
  readonly now: () => number;
}

/** One value that is known elsewhere and read often here. */
export interface Refreshed<T> {
  /** The value, at most `freshMs + staleMs` old where it can be had; the last one known while it cannot. Never rejects. */
  get(): T | Promise<T>;
  /** The next `get` asks again. */
  invalidate(): void;
}

/** Keeps one value; however many ask at once, it is loaded once. */
export function createRefreshed<T>({ load, initial, freshMs, staleMs, now }: RefreshedOptions<T>): Refreshed<T> {
  let value = initial;
  let loadedAt = -Infinity;
  let loading: Promise<T> | undefined;
  let generation = 0;

  const refresh = (): Promise<T> => {
    const born = generation;
    loading ??= load()
      .then((loaded) => {
        value = loaded;
        // A value that was asked for before an invalidation may be the old one.
        loadedAt = born === generation ? now() : -Infinity;
      })
      // Failing, too, is news: asking again on every call would load a service that is down already.
      .catch(() => void (loadedAt = now()))
      .then(() => value)
      .finally(() => (loading = undefined));
    return loading;
  };

  return {
    get() {
      const age = now() - loadedAt;
      if (age < freshMs) return value;
      const refreshed = refresh();
      return age < freshMs + staleMs ? value : refreshed;
    },
    invalidate() {
      generation += 1;
      loadedAt = -Infinity;
    },
  };
}
