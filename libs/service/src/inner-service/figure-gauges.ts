import type { Figures } from "@quartet/rpc";
import type { Metrics } from "@quartet/telemetry";

const everyMs = 10_000;
const limitMs = 5_000;

/** Keeps the gauges of pools and queues at what `figures` says, every 10 seconds. Gives what ends it. */
export function watchFigures(figures: (signal: AbortSignal) => Promise<Figures>, metrics: Metrics): () => void {
  const ended = new AbortController();
  let asking = false;
  const look = async () => {
    if (asking) return;
    asking = true;
    try {
      setGauges(await figures(AbortSignal.any([ended.signal, AbortSignal.timeout(limitMs)])), metrics);
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
