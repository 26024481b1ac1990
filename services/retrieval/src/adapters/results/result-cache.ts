import { type Cache, createCache, keyPattern } from "@quartet/cache";
import { createSharedCache, type Redis, type SharedCache } from "@quartet/redis";
import type { CacheFigures, CacheSelection } from "@quartet/rpc";
import type { Metrics } from "@quartet/telemetry";
import type { CachedSearch, ResultCache } from "../../domain/result-cache.ts";
import { lags } from "../../domain/search-legs.ts";
import type { SearchResult } from "../../domain/search-request.ts";
import { createScopes } from "./result-scopes.ts";
import { codecVersion, encodeResult, type EncodedResult, resultCodec } from "./result-codec.ts";
import { resultName, tenantStart } from "./result-name.ts";

export interface ResultCacheOptions {
  readonly maxEntries: number;
  /** In memory, about. */
  readonly maxBytes: number;
  readonly ttlMs: number;
  /** Behind the memory, for other replicas of the same record. Default: none. */
  readonly redis?: Redis | undefined;
  /**
   * What stands for the record among all that may ever use that Redis: another one, or one that was made anew, has states of the same numbers.
   * Undefined while it is not known; nothing is shared then.
   */
  readonly recordId?: () => string | undefined;
  readonly metrics: Metrics;
}

/** Results in memory and, where there is one, in Redis. The owner calls `close`, and then closes `redis`. */
export interface KeptResults extends ResultCache {
  figures(): CacheFigures;
  /** As in ServiceModule. */
  invalidate(selection: Pick<CacheSelection, "tenant" | "keyPattern">, signal: AbortSignal): Promise<number>;
  close(): Promise<void>;
}

/** In memory: a result with about the bytes that it takes. */
interface Kept {
  readonly result: SearchResult;
  readonly size: number;
}

/** A page of a hundred long passages fits many times. */
const MAX_VALUE_BYTES = 1024 ** 2;

/** Whether what it finds depends on nothing but what its name tells. */
const isKeepable = ({ collections, graphState }: CachedSearch): boolean =>
  !collections.some(lags) && graphState !== "unknown";

/** What objects take beside their texts, about. */
const BYTES_PER_RESULT = 1_000;
const BYTES_PER_PASSAGE = 600;

/**
 * A result is kept under the state of the collections that it was searched in, as the record told it before the search; whoever asks has read
 * the record's state of that moment. So what was found before a change is never found again after it, in whatever process, and there is
 * nothing that replicas would have to tell each other. Entries of states that are gone are dropped from memory when a newer state is seen,
 * and run out in Redis.
 *
 * Nothing is kept, nor looked up, while the keyword index lags behind the record: what it finds then changes without the state's doing.
 */
export function createResultCache(options: ResultCacheOptions): KeptResults {
  const { maxEntries, maxBytes, ttlMs, redis, recordId = () => undefined, metrics } = options;
  const counts = { hits: 0, misses: 0, coalesced: 0, bypasses: 0 };
  const memory: Cache<string, Kept> = createCache({
    maxEntries,
    maxBytes,
    sizeOf: ({ size }) => size,
    ttlMs,
    onRemoved: (name) => scopes.forget(name),
  });
  const scopes = createScopes({ drop: (name) => memory.delete(name) });
  const shared: SharedCache<EncodedResult> | undefined =
    redis &&
    createSharedCache({
      ...{ redis, metrics, name: "search", version: codecVersion },
      ...{ codec: resultCodec, maxValueBytes: MAX_VALUE_BYTES },
    });

  const keep = (search: CachedSearch, name: string, { result, bytes }: EncodedResult) => {
    const size = BYTES_PER_RESULT + Math.ceil(1.25 * bytes.byteLength) + BYTES_PER_PASSAGE * result.passages.length;
    memory.set(name, { result, size });
    if (memory.has(name)) scopes.add(name, search);
  };

  return {
    async get(search, { signal }) {
      if (!isKeepable(search)) return undefined;
      scopes.saw(search);
      const record = recordId();
      const name = resultName(search, record);
      const here = memory.get(name);
      if (here !== undefined) {
        counts.hits++;
        return here.result;
      }
      const read = (record === undefined ? undefined : await shared?.getMany([name]))?.[0] ?? { kind: "miss" };
      signal.throwIfAborted();
      if (read.kind !== "hit") {
        counts[read.kind === "miss" ? "misses" : "bypasses"]++;
        return undefined;
      }
      counts.hits++;
      keep(search, name, read.value);
      return read.value.result;
    },

    put(search, result) {
      if (!isKeepable(search)) return;
      const record = recordId();
      const name = resultName(search, record);
      const encoded = encodeResult(result);
      keep(search, name, encoded);
      if (record !== undefined) shared?.setLater(name, encoded, { ttlMs });
    },

    coalesced: () => void counts.coalesced++,

    figures() {
      const { evictions, invalidations, entries, bytes, oldestAgeMs } = memory.stats();
      return { level: "search-results", ...counts, evictions, invalidations, entries, bytes, oldestAgeMs };
    },

    async invalidate({ tenant, keyPattern: pattern }, signal) {
      const start = tenantStart(tenant);
      const matches = keyPattern(pattern);
      const here = memory.deleteWhere((name) => name.startsWith(start) && matches(name.slice(start.length)));
      const there = shared && (await shared.deleteMatching(start, pattern, { signal }));
      if (shared !== undefined && there === undefined) throw new Error("Redis did not delete all results");
      // What is in memory is mostly in Redis as well, and one result.
      return Math.max(here, there ?? 0);
    },

    async close() {
      await shared?.close();
      memory.clear();
    },
  };
}
