import { createRedis } from "@quartet/redis";
import type { Figures, ServiceModule } from "@quartet/rpc";
import type { Telemetry } from "@quartet/service";
import { createResultCache } from "./adapters/results/result-cache.ts";
import type { ResultConfig } from "./config.ts";
import type { ResultCache } from "./domain/result-cache.ts";

/** The cache of search results of a process, with the connection behind it. */
export interface Results {
  readonly cache: ResultCache;
  figures(): Required<Pick<Figures, "caches" | "pools">>;
  readonly invalidate: NonNullable<ServiceModule["invalidateCache"]>;
  close(): Promise<void>;
}

/** Undefined where none are kept. */
export function openResults(config: ResultConfig, { log, metrics }: Telemetry): Results | undefined {
  const { redisUrl, redisKeyPrefix: keyPrefix, redisTimeoutMs: timeoutMs } = config;
  if (config.resultCacheEntries === 0) return undefined;
  const redis =
    redisUrl && createRedis({ url: redisUrl.reveal(), keyPrefix, timeoutMs, name: "retrieval", log, metrics });
  const cache = createResultCache({
    maxEntries: config.resultCacheEntries,
    maxBytes: config.resultCacheBytes,
    ttlMs: config.resultCacheTtlMs,
    redis,
    metrics,
  });
  return {
    cache,
    figures: () => ({ caches: [cache.figures()], pools: redis === undefined ? [] : [redis.figures()] }),
    invalidate: async (selection, signal) =>
      selection.level === "search-results" ? cache.invalidate(selection, signal) : 0,
    close: async () => {
      await cache.close();
      await redis?.close();
    },
  };
}
