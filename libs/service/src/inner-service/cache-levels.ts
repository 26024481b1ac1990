import { Code } from "@connectrpc/connect";
import type { CacheSelector } from "@quartet/contracts/type/v1/operations";
import { CacheLevel } from "@quartet/contracts/type/v1/stats";
import { quartetError } from "@quartet/errors";
import { type CacheLevelName, cacheLevels, type ServiceModule } from "@quartet/rpc";

export const wireLevels = {
  embeddings: CacheLevel.EMBEDDINGS,
  "search-results": CacheLevel.SEARCH_RESULTS,
  documents: CacheLevel.DOCUMENTS,
} as const satisfies Record<CacheLevelName, CacheLevel>;

export interface Invalidation {
  readonly modules: readonly Pick<ServiceModule, "invalidateCache">[];
  readonly tenant: string;
  readonly selector: CacheSelector | undefined;
}

/**
 * Empties what is selected in all modules, and gives how many entries there were.
 *
 * @throws UNAVAILABLE where a part could not be emptied; the rest is.
 */
export async function invalidateCaches(
  { modules, tenant, selector }: Invalidation,
  signal: AbortSignal,
): Promise<number> {
  const wanted = selector?.levels ?? [];
  const levels = cacheLevels.filter((level) => wanted.length === 0 || wanted.includes(wireLevels[level]));
  const { keyPattern = "" } = selector ?? {};
  const removed = await Promise.allSettled(
    modules.flatMap((module) =>
      levels.map(async (level) => (await module.invalidateCache?.({ tenant, level, keyPattern }, signal)) ?? 0),
    ),
  );
  signal.throwIfAborted();
  const failed = removed.find((each) => each.status === "rejected");
  if (failed === undefined)
    return removed.reduce((sum, each) => sum + (each.status === "fulfilled" ? each.value : 0), 0);
  throw quartetError({
    code: Code.Unavailable,
    reason: "UPSTREAM_FAILED",
    message:
      "Entries in memory are gone; those that replicas share in Redis could not be reached. Try again once Redis is back.",
    retryDelayMs: 1_000,
    cause: failed.reason,
  });
}
