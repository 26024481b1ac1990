/** Loads the values of `keys`, in their order. The signal is aborted when nobody waits for them any more. */
export type LoadMany<K, V> = (keys: readonly K[], signal: AbortSignal) => Promise<readonly V[]>;

export interface SingleFlight<K, V> {
  /** How many keys are being loaded. */
  readonly size: number;
  has(key: K): boolean;
  /**
   * The values of distinct `keys`: those that are being loaded already are waited for, and the rest is loaded in one call.
   * `onLoaded` hears of each value that was loaded and not forgotten meanwhile.
   *
   * @throws the signal's reason when it is aborted; else what the load throws, the same for everybody who waits for it.
   */
  run(keys: readonly K[], load: LoadMany<K, V>, signal?: AbortSignal): Promise<ReadonlyMap<K, V>>;
  /** Whoever waits still gets the value, but whoever comes from now on loads anew, and `onLoaded` does not hear of it. */
  forget(key: K): void;
  forgetWhere(condition: (key: K) => boolean): void;
  forgetAll(): void;
}

/** One call of a loader, for one key or many. */
interface Flight<K, V> {
  readonly controller: AbortController;
  readonly values: Promise<ReadonlyMap<K, V>>;
  readonly keys: readonly K[];
  waiters: number;
  landed: boolean;
}

/**
 * Coalesces equal loads. A load belongs to nobody in particular: one caller's abort ends that caller's waiting only, and the load is
 * aborted when the last of them has left. What is in flight is bounded by the callers, as each flight has at least one.
 */
export function createSingleFlight<K, V>(onLoaded: (key: K, value: V) => void): SingleFlight<K, V> {
  const flights = new Map<K, Flight<K, V>>();

  const land = (flight: Flight<K, V>) => {
    flight.landed = true;
    for (const key of flight.keys) if (flights.get(key) === flight) flights.delete(key);
  };

  const takeOff = (keys: readonly K[], load: LoadMany<K, V>): Flight<K, V> => {
    const controller = new AbortController();
    const loading = async (): Promise<ReadonlyMap<K, V>> => {
      try {
        const loaded = await load(keys, controller.signal);
        if (loaded.length !== keys.length) throw new Error(`loaded ${loaded.length} values for ${keys.length} keys`);
        const values = new Map(keys.map((key, index) => [key, loaded[index]!]));
        for (const [key, value] of values) if (flights.get(key) === flight) onLoaded(key, value);
        return values;
      } finally {
        land(flight);
      }
    };
    // The load starts a microtask later, when the flight is in the map.
    const flight: Flight<K, V> = {
      controller,
      values: Promise.resolve().then(loading),
      keys,
      waiters: 0,
      landed: false,
    };
    for (const key of keys) flights.set(key, flight);
    flight.values.catch(() => {}); // Those who wait hear of it; when nobody does any more, nobody needs to.
    return flight;
  };

  const leave = (flight: Flight<K, V>, signal: AbortSignal | undefined) => {
    flight.waiters--;
    if (flight.waiters > 0 || flight.landed) return;
    land(flight);
    // Made only where it is told: an error takes its stack, which cost more than all else here.
    flight.controller.abort(signal?.reason ?? new Error("nobody waits for this load any more"));
  };

  return {
    get size() {
      return flights.size;
    },
    has: (key) => flights.has(key),
    run: async (keys, load, signal) => {
      signal?.throwIfAborted();
      const missing = keys.filter((key) => !flights.has(key));
      const joined = new Set(keys.flatMap((key) => flights.get(key) ?? []));
      if (missing.length > 0) joined.add(takeOff(missing, load));
      for (const flight of joined) flight.waiters++;
      try {
        const landed = await untilAborted(Promise.all([...joined].map(({ values }) => values)), signal);
        const all = new Map(landed.flatMap((values) => [...values]));
        return new Map(keys.map((key) => [key, all.get(key)!]));
      } finally {
        for (const flight of joined) leave(flight, signal);
      }
    },
    forget: (key) => void flights.delete(key),
    forgetWhere: (condition) => {
      for (const key of flights.keys()) if (condition(key)) flights.delete(key);
    },
    forgetAll: () => flights.clear(),
  };
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
