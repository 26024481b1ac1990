import type { BreakerEvents, BreakerState, HopEvents } from "@quartet/resilience";
import type { Telemetry } from "@quartet/service";

/** How open a breaker is, as a number for a gauge. */
const openness: Record<BreakerState, number> = { closed: 0, "half-open": 0.5, open: 1 };

/** What a hop's policy tells, as metrics; and, since an operator should see it happen, a breaker's changes in the log. */
export function createHopEvents(
  hop: string,
  { log, metrics }: Telemetry,
): { readonly events: HopEvents; readonly breakerEvents: BreakerEvents } {
  const settled = metrics.counter("quartet_hop_settled_total");
  const outcomes = {
    success: settled.with({ hop, outcome: "success" }),
    failure: settled.with({ hop, outcome: "failure" }),
    neutral: settled.with({ hop, outcome: "neutral" }),
  };
  const duration = metrics.histogram("quartet_hop_duration_seconds").with({ hop });
  const retries = metrics.counter("quartet_hop_retries_total").with({ hop });
  const refused = metrics.counter("quartet_hop_breaker_refused_total").with({ hop });
  const state = metrics.gauge("quartet_hop_breaker_open").with({ hop });
  state.set(openness.closed);
  return {
    events: {
      retried: () => retries.add(),
      settled: ({ outcome, durationMs }) => {
        outcomes[outcome].add();
        duration.observe(durationMs / 1000);
      },
    },
    breakerEvents: {
      refused: () => refused.add(),
      stateChanged: (to, from) => {
        state.set(openness[to]);
        log.warn({ hop, from, to }, "breaker changed its state");
      },
    },
  };
}
