import type { BreakerEvents, HopEvents } from "@quartet/resilience";
import type { Telemetry } from "@quartet/service";
import { createBreakerEvents } from "@quartet/telemetry";

/** What a hop's policy tells, as metrics; and, since an operator should see it happen, a breaker's changes in the log. */
export function createHopEvents(
  hop: string,
  telemetry: Telemetry,
): { readonly events: HopEvents; readonly breakerEvents: BreakerEvents } {
  const { metrics } = telemetry;
  const settled = metrics.counter("quartet_hop_settled_total");
  const outcomes = {
    success: settled.with({ hop, outcome: "success" }),
    failure: settled.with({ hop, outcome: "failure" }),
    neutral: settled.with({ hop, outcome: "neutral" }),
  };
  const duration = metrics.histogram("quartet_hop_duration_seconds").with({ hop });
  const retries = metrics.counter("quartet_hop_retries_total").with({ hop });
  return {
    events: {
      retried: () => retries.add(),
      settled: ({ outcome, durationMs }) => {
        outcomes[outcome].add();
        duration.observe(durationMs / 1000);
      },
    },
    breakerEvents: createBreakerEvents(hop, telemetry),
  };
}
