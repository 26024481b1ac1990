import type { KeyPool } from "@quartet/key-pool";
import { type Breaker, CircuitOpenError, type Outcome, type Permit } from "@quartet/resilience";
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
    stream: (open, options = {}) => guardStream(keys.stream(open, options), breaker, options.signal),
  };
}

/** By hand, not as a generator: a generator more costs each token three turns of the microtask queue. */
function guardStream<T>(
  messages: AsyncGenerator<T, void, undefined>,
  breaker: Breaker,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> {
  let permit: Permit | undefined;
  let reading: Promise<unknown> = Promise.resolve();

  const read = async (): Promise<IteratorResult<T, void>> => {
    try {
      permit ??= breaker.acquire();
      const message = await messages.next();
      if (message.done === true) permit.settle("success");
      else permit.touch();
      return message;
    } catch (error) {
      permit?.settle(outcomeOf(error, signal));
      // Refused, it was never begun.
      await messages.return();
      throw error;
    }
  };
  /** Whoever leaves early says nothing about the provider; what a read that is pending says, counts. */
  const leave = async (leaving: Promise<IteratorResult<T, void>>) => {
    await reading.catch(() => undefined);
    permit?.settle("neutral");
    return await leaving;
  };

  const guarded: AsyncGenerator<T, void, undefined> = {
    next: () => {
      const next = read();
      reading = next;
      return next;
    },
    return: () => leave(messages.return()),
    throw: (error: unknown) => leave(messages.throw(error)),
    [Symbol.asyncIterator]: () => guarded,
    [Symbol.asyncDispose]: async () => void (await guarded.return()),
  };
  return guarded;
}

function outcomeOf(error: unknown, signal: AbortSignal | undefined): Outcome {
  if (error instanceof ClockExpiredError) return error.isFair && error.clock !== "OUT_OF_TIME" ? "failure" : "neutral";
  if (signal?.aborted === true || error instanceof CircuitOpenError) return "neutral";
  // The pool's own limit: a reply that is not streamed did not come in time.
  if (error instanceof DOMException && error.name === "TimeoutError") return "failure";
  const failure = failureOf(error);
  return failure === undefined ? "neutral" : outcomes[failure.kind];
}
