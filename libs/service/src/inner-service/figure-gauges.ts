import type { CacheFigures, Figures } from "@quartet/rpc";
import type { Metrics } from "@quartet/telemetry";
import { createKeyMetrics } from "./key-metrics.ts";

const everyMs = 10_000;
const limitMs = 5_000;

/** Keeps the metrics of pools, queues, caches and keys at what `figures` says, every 10 seconds. Gives what ends it. */
export function watchFigures(figures: (signal: AbortSignal) => Promise<Figures>, metrics: Metrics): () => void {
  const ended = new AbortController();
  const countCaches = createCacheCounters(metrics);
  const countKeys = createKeyMetrics(metrics);
  let asking = false;
  const look = async () => {
    if (asking) return;
    asking = true;
    try {
      const now = await figures(AbortSignal.any([ended.signal, AbortSignal.timeout(limitMs)]));
      setGauges(now, metrics);
      for (const cache of now.caches ?? []) countCaches(cache);
      countKeys(now.keys ?? []);
    } catch {
      // A store that is down is seen by its breaker and its pool; the gauges keep what was last known.
    } finally {
      asking = false;
    }
  };
  void look();
  const timer = setInterval(() => void look(), everyMs).unref();
  return () => {
    clearInterval(timer);
    ended.abort(new Error("the process is going down"));
  };
}

function setGauges({ pools = [], queues = [] }: Figures, metrics: Metrics): void {
  for (const { name: pool, size, maxSize, idleCount, waitingCount, waitP95Ms } of pools) {
    metrics.gauge("quartet_pool_size").with({ pool }).set(size);
    metrics.gauge("quartet_pool_max_size").with({ pool }).set(maxSize);
    metrics.gauge("quartet_pool_idle").with({ pool }).set(idleCount);
    metrics.gauge("quartet_pool_waiting").with({ pool }).set(waitingCount);
    metrics
      .gauge("quartet_pool_wait_p95_seconds")
      .with({ pool })
      .set(waitP95Ms / 1000);
  }
  for (const { name: queue, waitingCount, runningCount, oldestAgeMs } of queues) {
    metrics.gauge("quartet_queue_waiting").with({ queue }).set(waitingCount);
    metrics.gauge("quartet_queue_running").with({ queue }).set(runningCount);
    metrics
      .gauge("quartet_queue_oldest_age_seconds")
      .with({ queue })
      .set(oldestAgeMs / 1000);
  }
}

const cacheOutcomes = { hit: "hits", miss: "misses", coalesced: "coalesced", bypassed: "bypasses" } as const;
const cacheRemovals = { evicted: "evictions", invalidated: "invalidations" } as const;

type CacheCount =
  (typeof cacheOutcomes)[keyof typeof cacheOutcomes] | (typeof cacheRemovals)[keyof typeof cacheRemovals];

/** Adds what was counted since the last look. */
function createCacheCounters(metrics: Metrics): (now: CacheFigures) => void {
  const last = new Map<string, CacheFigures>();
  return (now) => {
    const { level } = now;
    const before = last.get(level);
    last.set(level, now);
    const since = (count: CacheCount) => Math.max(0, now[count] - (before?.[count] ?? 0));
    for (const [outcome, count] of Object.entries(cacheOutcomes)) {
      metrics.counter("quartet_cache_lookups_total").with({ level, outcome }).add(since(count));
    }
    for (const [reason, count] of Object.entries(cacheRemovals)) {
      metrics.counter("quartet_cache_removals_total").with({ level, reason }).add(since(count));
    }
    metrics.gauge("quartet_cache_entries").with({ level }).set(now.entries);
    metrics.gauge("quartet_cache_bytes").with({ level }).set(now.bytes);
    metrics
      .gauge("quartet_cache_oldest_age_seconds")
      .with({ level })
      .set(now.oldestAgeMs / 1000);
  };
}
