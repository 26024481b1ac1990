/** What is asked most, of each tenant, over about a day: found without keeping all that was asked. */
export interface Frequent<T> {
  /**
   * Something was asked once.
   *
   * @param key the same for what is the same
   * @param size the bytes that it takes, about
   */
  note(tenant: string, key: string, value: T, size: number): void;
  /** The most frequent, the first of them first. */
  top(tenant: string, count: number): readonly T[];
}

export interface FrequentOptions {
  /** Different things counted for each tenant and window. Default: 2,000. */
  readonly maxEntries?: number;
  /** All tenants together; the tenant that has not asked for longest goes first. Default: 32 MiB. */
  readonly maxBytes?: number;
  /** Larger ones are not counted. Default: 8 KiB. */
  readonly maxEntryBytes?: number;
  /** Default: 24 hours. */
  readonly windowMs?: number;
  /** A clock that never goes back, in milliseconds. */
  readonly now: () => number;
}

/** The window that fills, and the one before it, which counts less and less as that one fills. */
interface Windows<T> {
  startedAt: number;
  current: SpaceSaving<T>;
  previous: SpaceSaving<T>;
}

/** Kept in this process, and lost with it: a new process asks a day's questions anew soon enough. */
export function createFrequent<T>(options: FrequentOptions): Frequent<T> {
  const { maxEntries = 2_000, maxBytes = 32 * 1024 ** 2, maxEntryBytes = 8 * 1024 } = options;
  const { windowMs = 24 * 3_600_000, now } = options;
  /** The tenant that asked last is the last. */
  const tenants = new Map<string, Windows<T>>();
  let bytes = 0;

  const empty = () => createSpaceSaving<T>(maxEntries, (change) => (bytes += change));
  const drop = (sketch: SpaceSaving<T>) => void (bytes -= sketch.bytes);
  const turn = (windows: Windows<T>) => {
    const elapsedMs = now() - windows.startedAt;
    if (elapsedMs < windowMs) return;
    drop(windows.previous);
    if (elapsedMs >= 2 * windowMs) drop(windows.current);
    windows.previous = elapsedMs < 2 * windowMs ? windows.current : empty();
    windows.current = empty();
    windows.startedAt += windowMs * Math.floor(elapsedMs / windowMs);
  };

  return {
    note(tenant, key, value, size) {
      if (size > maxEntryBytes) return;
      const windows = tenants.get(tenant) ?? { startedAt: now(), current: empty(), previous: empty() };
      turn(windows);
      windows.current.add(key, value, size);
      tenants.delete(tenant);
      tenants.set(tenant, windows);
      for (const [name, old] of tenants) {
        if (bytes <= maxBytes || name === tenant) break;
        drop(old.current);
        drop(old.previous);
        tenants.delete(name);
      }
    },
    top(tenant, count) {
      const windows = tenants.get(tenant);
      if (windows === undefined) return [];
      turn(windows);
      const weight = 1 - (now() - windows.startedAt) / windowMs;
      const all = new Map<string, { readonly value: T; readonly count: number }>();
      for (const { key, ...counted } of windows.current.entries()) all.set(key, counted);
      for (const { key, value, count: before } of windows.previous.entries()) {
        all.set(key, { value, count: (all.get(key)?.count ?? 0) + weight * before });
      }
      const sorted = [...all.values()].sort((one, other) => other.count - one.count);
      return sorted.slice(0, count).map(({ value }) => value);
    },
  };
}

interface Counted<T> {
  readonly key: string;
  readonly value: T;
  readonly size: number;
  count: number;
}

interface SpaceSaving<T> {
  readonly bytes: number;
  add(key: string, value: T, size: number): void;
  entries(): Iterable<Counted<T>>;
}

/**
 * Counts what may be among the most frequent, in constant space: what is new takes the place of what is least frequent, and its count. Whatever is
 * more than 1 in `maxEntries` of all is there for sure, and no count is too low.
 * Metwally, Agrawal, El Abbadi: Efficient Computation of Frequent and Top-k Elements in Data Streams (ICDT 2005).
 */
function createSpaceSaving<T>(maxEntries: number, onBytes: (change: number) => void): SpaceSaving<T> {
  const byKey = new Map<string, Counted<T>>();
  /** Those of equal counts; none is empty. */
  const byCount = new Map<number, Set<Counted<T>>>();
  let least = 1;
  let bytes = 0;

  const grow = (change: number) => {
    bytes += change;
    onBytes(change);
  };
  const place = (entry: Counted<T>) => {
    const equals = byCount.get(entry.count) ?? new Set();
    byCount.set(entry.count, equals.add(entry));
  };
  const take = (entry: Counted<T>) => {
    const equals = byCount.get(entry.count)!;
    equals.delete(entry);
    if (equals.size === 0) byCount.delete(entry.count);
  };
  /** What it is replaced by counts one more, so that the least count grows by one at most. */
  const dropLeast = (): number => {
    while (!byCount.has(least)) least++;
    const [entry] = byCount.get(least)!;
    take(entry!);
    byKey.delete(entry!.key);
    grow(-entry!.size);
    return least;
  };
  return {
    get bytes() {
      return bytes;
    },
    add(key, value, size) {
      let entry = byKey.get(key);
      if (entry === undefined) {
        const count = byKey.size < maxEntries ? 0 : dropLeast();
        if (count === 0) least = 1;
        entry = { key, value, size, count };
        byKey.set(key, entry);
        grow(size);
      } else take(entry);
      entry.count++;
      place(entry);
    },
    entries: () => byKey.values(),
  };
}
