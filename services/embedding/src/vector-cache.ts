import { type Cache, createCache, keyPattern } from "@quartet/cache";
import type { CacheFigures, CacheSelection } from "@quartet/rpc";
import { nameEnd, type RedisVectors } from "./adapters/redis-vectors.ts";
import type { Config } from "./config.ts";
import type { PackedVector } from "./domain/packed-vector.ts";
import { tenantStart } from "./domain/vector-name.ts";

/** The vectors in memory, with the figures and the upkeep of both levels. */
export interface VectorCache {
  readonly memory: Cache<string, PackedVector>;
  figures(): CacheFigures;
  /** As in ServiceModule. */
  invalidate(selection: CacheSelection, signal: AbortSignal): Promise<number>;
}

export function createVectorCache(
  config: Pick<Config, "cacheEntries" | "cacheBytes" | "maxTextCharacters" | "vectorForm">,
  shared: Pick<RedisVectors, "counts" | "deleteMatching"> | undefined,
): VectorCache {
  const memory = createCache<string, PackedVector>({
    maxEntries: config.cacheEntries,
    maxBytes: config.cacheBytes,
    sizeOf: (packed, key) => packed.byteLength + key.length,
  });
  const end = nameEnd({ maxTextCharacters: config.maxTextCharacters, form: config.vectorForm });

  return {
    memory,
    figures() {
      const { hits, misses, loading: _, ...counts } = memory.stats();
      const found = shared?.counts ?? { hits: 0, bypasses: 0 };
      // What memory missed went on to Redis, where there is one.
      const notFound = Math.max(0, misses - found.hits - found.bypasses);
      return { level: "embeddings", ...counts, hits: hits + found.hits, misses: notFound, bypasses: found.bypasses };
    },
    async invalidate({ tenant, level, keyPattern: pattern }, signal) {
      if (level !== "embeddings") return 0;
      const matches = keyPattern(pattern);
      const start = tenantStart(tenant);
      const here = memory.deleteWhere(
        (key) => key.startsWith(start) && (pattern === "" || matches(key.slice(start.length) + end)),
      );
      const there = shared && (await shared.deleteMatching(tenant, pattern, { signal }));
      if (shared !== undefined && there === undefined) throw new Error("Redis did not delete all vectors");
      // What is in memory is mostly in Redis as well, and one vector.
      return Math.max(here, there ?? 0);
    },
  };
}
