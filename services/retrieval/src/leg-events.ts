import type { BreakerEvents, BreakerState } from "@quartet/resilience";
import type { Telemetry } from "@quartet/service";
import type { LegOutcome } from "./domain/leg.ts";
import { isCircuitOpen } from "./domain/store-guard.ts";

/** How open a breaker is, as a number for a gauge. */
const openness: Record<BreakerState, number> = { closed: 0, "half-open": 0.5, open: 1 };

/** What the breaker before a store tells, as metrics; and, since an operator should see it happen, its changes in the log. */
export function createBreakerEvents(hop: string, { log, metrics }: Telemetry): BreakerEvents {
  const refused = metrics.counter("quartet_hop_breaker_refused_total").with({ hop });
  const state = metrics.gauge("quartet_hop_breaker_open").with({ hop });
  state.set(openness.closed);
  return {
    refused: () => refused.add(),
    stateChanged: (to, from) => {
      state.set(openness[to]);
      log.warn({ hop, from, to }, "breaker changed its state");
    },
  };
}

/** What became of each leg, as metrics; and what went wrong in the log, but not again and again while its breaker is open. */
export function createLegEvents({ log, metrics }: Telemetry): (outcome: LegOutcome) => void {
  const legs = metrics.counter("quartet_search_legs_total");
  const duration = metrics.histogram("quartet_search_leg_duration_seconds");
  return ({ source, leg, status, reason, elapsedMs, error }) => {
    legs.with({ source, leg, status, reason: reason ?? "" }).add();
    if (status !== "skipped") duration.with({ source, leg }).observe(elapsedMs / 1000);
    if (status === "failed") log.warn({ source, leg, reason, err: error }, "a leg of a search failed");
  };
}

/** Why the projection is asked in the place of the record; once its breaker is open, that has told the log. */
export function createRecordEvents({ log }: Pick<Telemetry, "log">): (error: unknown) => void {
  return (error) => {
    if (!isCircuitOpen(error)) log.warn({ err: error }, "the record could not be asked: its projection is");
  };
}
