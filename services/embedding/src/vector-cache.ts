import { type Cache, createCache, keyPattern } from "@quartet/cache";
import type { CacheFigures, CacheSelection } from "@quartet/rpc";
import { type RedisVectors, vectorName } from "./adapters/redis-vectors.ts";
import type { Config } from "./config.ts";
import type { PackedVector } from "./domain/packed-vector.ts";
import { readCacheKey } from "./domain/text-embedding.ts";

/** A character of a string takes two bytes at most per UTF-16 unit. */
const BYTES_PER_UNIT = 2;

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
    sizeOf: (packed, key) => packed.byteLength + BYTES_PER_UNIT * key.length,
  });
  const naming = { maxTextCharacters: config.maxTextCharacters, form: config.vectorForm };

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
      const here = memory.deleteWhere((key) => {
        if (!key.startsWith(`${tenant}\n`)) return false;
        return pattern === "" || matches(vectorName(readCacheKey(key), naming));
      });
      const there = shared && (await shared.deleteMatching(tenant, pattern, { signal }));
      if (shared !== undefined && there === undefined) throw new Error("Redis did not delete all vectors");
      // What is in memory is mostly in Redis as well, and one vector.
      return Math.max(here, there ?? 0);
    },
  };
}
