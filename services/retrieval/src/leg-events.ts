import type { Telemetry } from "@quartet/service";
import type { LegOutcome } from "./domain/leg.ts";
import { isCircuitOpen } from "./domain/store-guard.ts";

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
