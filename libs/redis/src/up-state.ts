import type { Logger, Metrics } from "@quartet/telemetry";

/** Tells operators whether Redis is used: a gauge, and a line in the log when that changes. */
export interface UpState {
  readonly up: boolean;
  /** @param reason why it is not, as `ECONNREFUSED`. */
  set(up: boolean, reason: string): void;
  /** Going down from now on is the process' own doing and not told. */
  close(): void;
}

/** A connection that comes and goes says so once in this time. */
const LOG_EVERY_MS = 30_000;

export function createUpState({
  name: client,
  log,
  metrics,
}: {
  readonly name: string;
  readonly log: Pick<Logger, "info" | "warn">;
  readonly metrics: Metrics;
}): UpState {
  const gauge = metrics.gauge("quartet_redis_up").with({ client });
  /** Undefined until it is known. */
  let up: boolean | undefined;
  let lastSaidDown = -Infinity;
  let saidDown = false;
  let closed = false;
  gauge.set(0);

  return {
    get up() {
      return up === true;
    },
    set: (to, reason) => {
      const changed = to !== up;
      up = to && !closed;
      gauge.set(up ? 1 : 0);
      if (closed || !changed) return;
      const now = performance.now();
      if (to && saidDown) {
        saidDown = false;
        log.info({}, "Redis answers again");
      } else if (!to && now - lastSaidDown >= LOG_EVERY_MS) {
        saidDown = true;
        lastSaidDown = now;
        log.warn({ reason }, "Redis does not answer; work goes on without it");
      }
    },
    close: () => {
      closed = true;
      up = false;
      gauge.set(0);
    },
  };
}
