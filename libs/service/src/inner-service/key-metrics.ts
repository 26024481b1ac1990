import type { KeyFigures, KeyStateName } from "@quartet/rpc";
import type { Metrics } from "@quartet/telemetry";

const states: readonly KeyStateName[] = ["ready", "resting", "out-of-quota", "refused"];
const NANOS_PER_DOLLAR = 1e9;

/** Keeps the metrics of keys at their figures: what was counted since the last look is added, the state is shown. Keys go by their labels. */
export function createKeyMetrics(metrics: Metrics): (keys: readonly KeyFigures[]) => void {
  const last = new Map<string, KeyFigures>();
  /** Calls counted as ok; one under way may be counted too early, and the next is left out for it where it fails. */
  const counted = new Map<string, number>();
  return (keys) => {
    for (const now of keys) {
      const { pool, label } = now;
      const name = `${pool} ${label}`;
      const before = last.get(name);
      last.set(name, now);
      const since = (count: "errors" | "rests" | "inputTokens" | "outputTokens" | "costNanos") =>
        Math.max(0, (now[count] ?? 0) - (before?.[count] ?? 0));
      const wentWell = Math.max(counted.get(name) ?? 0, now.calls - now.errors);
      const calls = metrics.counter("quartet_key_calls_total");
      calls.with({ pool, label, outcome: "ok" }).add(wentWell - (counted.get(name) ?? 0));
      calls.with({ pool, label, outcome: "error" }).add(since("errors"));
      counted.set(name, wentWell);
      metrics.counter("quartet_key_rests_total").with({ pool, label }).add(since("rests"));
      const tokens = metrics.counter("quartet_key_tokens_total");
      tokens.with({ pool, label, direction: "input" }).add(since("inputTokens"));
      tokens.with({ pool, label, direction: "output" }).add(since("outputTokens"));
      metrics
        .counter("quartet_key_cost_dollars_total")
        .with({ pool, label })
        .add(since("costNanos") / NANOS_PER_DOLLAR);
      for (const state of states) {
        metrics
          .gauge("quartet_key_state")
          .with({ pool, label, state })
          .set(Number(now.state === state));
      }
    }
  };
}
