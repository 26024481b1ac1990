import { createHash } from "node:crypto";
import { createRedis } from "@quartet/redis";
import type { Figures, ServiceModule } from "@quartet/rpc";
import type { Telemetry } from "@quartet/service";
import { createResultCache } from "./adapters/results/result-cache.ts";
import type { ResultConfig } from "./config.ts";
import type { ResultCache } from "./domain/result-cache.ts";
import type { Stores } from "./domain/stores.ts";

/** The cache of search results of a process, with the connection behind it. */
export interface Results {
  readonly cache: ResultCache;
  figures(): Required<Pick<Figures, "caches" | "pools">>;
  readonly invalidate: NonNullable<ServiceModule["invalidateCache"]>;
  close(): Promise<void>;
}

/** Undefined where none are kept. */
export function openResults(config: ResultConfig, { log, metrics }: Telemetry, stores: Stores): Results | undefined {
  const { redisUrl, redisKeyPrefix: keyPrefix, redisTimeoutMs: timeoutMs } = config;
  if (config.resultCacheEntries === 0) return undefined;
  const redis =
    redisUrl && createRedis({ url: redisUrl.reveal(), keyPrefix, timeoutMs, name: "retrieval", log, metrics });
  const cache = createResultCache({
    maxEntries: config.resultCacheEntries,
    maxBytes: config.resultCacheBytes,
    ttlMs: config.resultCacheTtlMs,
    redis,
    ...(redis && { recordId: createRecordId(stores) }),
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

const askEveryMs = 1_000;
const askLimitMs = 5_000;

/** What stands for the record, of the key that an installation keeps for its page tokens; asked for in the background until it is known. */
function createRecordId(stores: Stores): () => string | undefined {
  let known: string | undefined;
  let askedAt = -Infinity;
  const ask = async () => {
    try {
      const key = await stores.installation?.pageTokenKey({ signal: AbortSignal.timeout(askLimitMs) });
      known = key && createHash("sha256").update("search results").update(key).digest("base64url");
    } catch {
      // The record cannot be asked now, which searches tell of; without it nothing is shared.
    }
  };
  return () => {
    if (known === undefined && performance.now() - askedAt >= askEveryMs) {
      askedAt = performance.now();
      void ask();
    }
    return known;
  };
}
