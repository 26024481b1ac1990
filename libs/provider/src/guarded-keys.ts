import type { KeyPool } from "@quartet/key-pool";
import { type Breaker, CircuitOpenError, type Outcome } from "@quartet/resilience";
import { ClockExpiredError } from "./clocks.ts";
import { failureOf, type ProviderFailureKind } from "./verdict.ts";

/** What each failure says about the provider. Limits, wrong keys and requests that it does not take are none of its faults. */
const outcomes: Readonly<Record<ProviderFailureKind, Outcome>> = {
  "rate-limit": "neutral",
  quota: "neutral",
  auth: "neutral",
  rejected: "neutral",
  unavailable: "failure",
  truncated: "failure",
  protocol: "failure",
};

/**
 * The same keys behind a breaker: while the provider is known to fail, calls fail at once, and cost nobody the time of three attempts. A call
 * counts once, with all its attempts, when it or its stream has ended. Both methods also throw CircuitOpenError.
 */
export function guardKeys(keys: KeyPool, breaker: Breaker): KeyPool {
  return {
    ...keys,
    run: async (attempt, options = {}) => {
      const permit = breaker.acquire();
      let outcome: Outcome = "success";
      try {
        return await keys.run(attempt, options);
      } catch (error) {
        outcome = outcomeOf(error, options.signal);
        throw error;
      } finally {
        permit.settle(outcome);
      }
    },
    stream: async function* (open, options = {}) {
      const permit = breaker.acquire();
      // Whoever leaves early says nothing about the provider.
      let outcome: Outcome = "neutral";
      try {
        for await (const message of keys.stream(open, options)) {
          permit.touch();
          yield message;
        }
        outcome = "success";
      } catch (error) {
        outcome = outcomeOf(error, options.signal);
        throw error;
      } finally {
        permit.settle(outcome);
      }
    },
  };
}

function outcomeOf(error: unknown, signal: AbortSignal | undefined): Outcome {
  if (error instanceof ClockExpiredError) return error.isFair && error.clock !== "OUT_OF_TIME" ? "failure" : "neutral";
  if (signal?.aborted === true || error instanceof CircuitOpenError) return "neutral";
  // The pool's own limit: a reply that is not streamed did not come in time.
  if (error instanceof DOMException && error.name === "TimeoutError") return "failure";
  const failure = failureOf(error);
  return failure === undefined ? "neutral" : outcomes[failure.kind];
}
