import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";

/** How open a breaker is in each of its states, as a number for a gauge. */
const openness = { closed: 0, "half-open": 0.5, open: 1 } as const;

type State = keyof typeof openness;

/** What a breaker tells: see `BreakerEvents` of @quartet/resilience, which this lib does not need to know. */
export interface ToldBreakerEvents {
  refused(): void;
  stateChanged(to: State, from: State): void;
}

/**
 * What a breaker tells, as metrics; and, since an operator should see it happen, its changes in the log.
 *
 * @param hop what the breaker stands before: a label of metrics and logs, so one of few, as `generation.answers`
 */
export function createBreakerEvents(
  hop: string,
  { log, metrics }: { readonly log: Pick<Logger, "warn">; readonly metrics: Metrics },
): ToldBreakerEvents {
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
