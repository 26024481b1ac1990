import { LRUCache } from "lru-cache";
import { createSingleFlight } from "./single-flight.ts";
import type { LoadMany } from "./single-flight.ts";

/** At least one of `maxEntries` and `maxBytes` bounds the cache. */
export type CacheOptions<K, V> = {
  /** Told of each entry that is here no more, for whatever reason, replaced ones among them. It must not throw, nor touch the cache. */
  readonly onRemoved?: (key: K, value: V) => void;
  /** How long a value is served after it was set. Default: without end. */
  readonly ttlMs?: number;
  /** A clock that never goes back, in milliseconds. Default: `performance`. */
  readonly clock?: { now(): number };
} & (
  | { readonly maxEntries: number; readonly maxBytes?: undefined; readonly sizeOf?: undefined }
  | {
      readonly maxEntries?: number;
      /** The sum of `sizeOf` over all entries. An entry above it on its own is never kept. */
      readonly maxBytes: number;
      /** The bytes that an entry takes, at least 1: a whole number, and an estimate is enough. */
      readonly sizeOf: (value: V, key: K) => number;
    }
);

/** Counts since the start, and the size now. Each key of a batch counts, equal keys of one call once. */
export interface CacheStats {
  readonly hits: number;
  /** Keys that were neither here nor being loaded. */
  readonly misses: number;
  /** Keys that were being loaded already, so that no second load was made. */
  readonly coalesced: number;
  /** Entries that were pushed out by others. */
  readonly evictions: number;
  /** Entries that were removed because they were no longer true, or were asked to go: by `delete`, `deleteWhere` and `clear`. */
  readonly invalidations: number;
  readonly entries: number;
  /** 0 when the cache is not bounded by bytes. */
  readonly bytes: number;
  /** Keys being loaded now. */
  readonly loading: number;
  /** How long ago the oldest entry was set; 0 where there is none. */
  readonly oldestAgeMs: number;
}

export interface Cache<K, V> {
  get(key: K): V | undefined;
  /** Is counted nowhere, and is no use of the entry. */
  has(key: K): boolean;
  set(key: K, value: V): void;
  /** Also keeps a load of this key that is under way from being stored. */
  delete(key: K): void;
  /** Deletes all that the condition holds for, and keeps loads of such keys from being stored. Gives how many entries there were. */
  deleteWhere(condition: (key: K) => boolean): number;
  clear(): void;
  /**
   * The value that is here, else the one that `load` gives. Equal keys that miss at the same time are one load, whose signal is aborted when all
   * who wait for it have left; a failure is not kept.
   *
   * @throws the signal's reason when it is aborted, else what `load` throws.
   */
  getOrLoad(key: K, load: (signal: AbortSignal) => Promise<V>, options?: { readonly signal?: AbortSignal }): Promise<V>;
  /**
   * The same for many keys: the values in the order of `keys`, and at most one call of `loadMissing`, with the distinct keys that are
   * neither here nor being loaded by others. It gives as many values as it was given keys, in their order.
   */
  getOrLoadMany(
    keys: readonly K[],
    loadMissing: LoadMany<K, V>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<readonly V[]>;
  stats(): CacheStats;
}

/** A bounded cache in memory: the least recently used entry goes first. */
export function createCache<K extends string | number, V extends NonNullable<unknown>>(
  options: CacheOptions<K, V>,
): Cache<K, V> {
  const { maxEntries, maxBytes, sizeOf, ttlMs, clock = performance, onRemoved } = options;
  const counts = { hits: 0, misses: 0, coalesced: 0, evictions: 0, invalidations: 0 };
  /** When each entry was set, the oldest first. */
  const setAt = new Map<K, number>();
  const entries = new LRUCache<K, V>({
    ...(maxEntries === undefined ? {} : { max: maxEntries }),
    ...(maxBytes === undefined ? {} : { maxSize: maxBytes, sizeCalculation: sizeOf }),
    // ttlResolution 0: the clock is asked every time, as a value must not outlive its time even by a millisecond.
    ...(ttlMs === undefined ? {} : { ttl: ttlMs, ttlResolution: 0, perf: clock }),
    dispose: (value, key, reason) => {
      if (reason === "evict") counts.evictions++;
      if (reason === "delete") counts.invalidations++;
      setAt.delete(key);
      onRemoved?.(key, value);
    },
  } as LRUCache.Options<K, V, unknown>);
  /** Those that are past their time are at the front. Looking one up lets it go. */
  const dropExpired = (most: number) => {
    if (ttlMs === undefined) return;
    const expiredBefore = clock.now() - ttlMs;
    let dropped = 0;
    for (const [key, at] of setAt) {
      if (at >= expiredBefore || dropped++ === most) return;
      entries.get(key);
    }
  };
  const store = (key: K, value: V) => {
    // Two for one: memory is given back as soon as it is taken.
    dropExpired(2);
    entries.set(key, value);
    // One that is too large was not kept.
    if (entries.has(key)) setAt.set(key, clock.now());
  };
  const flights = createSingleFlight<K, V>(store);
  const oldestAgeMs = () => {
    for (const at of setAt.values()) return Math.max(0, clock.now() - at);
    return 0;
  };

  const getOrLoadMany: Cache<K, V>["getOrLoadMany"] = async (keys, loadMissing, { signal } = {}) => {
    signal?.throwIfAborted();
    const values = new Map<K, V>();
    const absent: K[] = [];
    for (const key of new Set(keys)) {
      const value = entries.get(key);
      if (value !== undefined) values.set(key, value);
      else absent.push(key);
    }
    const inFlight = absent.filter((key) => flights.has(key)).length;
    counts.hits += values.size;
    counts.coalesced += inFlight;
    counts.misses += absent.length - inFlight;
    if (absent.length > 0) {
      for (const [key, value] of await flights.run(absent, loadMissing, signal)) values.set(key, value);
    }
    return keys.map((key) => values.get(key)!);
  };

  return {
    get: (key) => {
      const value = entries.get(key);
      if (value === undefined) counts.misses++;
      else counts.hits++;
      return value;
    },
    has: (key) => entries.has(key),
    set: (key, value) => {
      flights.forget(key);
      store(key, value);
    },
    delete: (key) => {
      flights.forget(key);
      entries.delete(key);
    },
    deleteWhere: (condition) => {
      flights.forgetWhere(condition);
      let deleted = 0;
      for (const key of [...entries.keys()]) if (condition(key) && entries.delete(key)) deleted++;
      return deleted;
    },
    clear: () => {
      flights.forgetAll();
      entries.clear();
    },
    getOrLoad: async (key, load, given) => {
      const [value] = await getOrLoadMany([key], async (_, signal) => [await load(signal)], given);
      return value!;
    },
    getOrLoadMany,
    stats: () => {
      dropExpired(Infinity);
      const size = { entries: entries.size, bytes: entries.calculatedSize, loading: flights.size };
      return { ...counts, ...size, oldestAgeMs: oldestAgeMs() };
    },
  };
}
