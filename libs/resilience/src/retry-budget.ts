import type { Clock } from "./clock.ts";

export interface RetryBudgetOptions {
  /** Retries per call over the window. Default: 0.2. */
  readonly ratio?: number;
  /** Retries that are always allowed in a second, so that a quiet service can retry at all. Default: 10. */
  readonly minPerSecond?: number;
  /** How long a call counts, in whole seconds. Default: 10 s. */
  readonly windowMs?: number;
  readonly clock?: Clock;
}

export interface RetryBudget {
  /** A first attempt was made. */
  recordCall(): void;
  /** Takes one retry from the budget; false when there is none left. */
  tryRetry(): boolean;
}

interface Second {
  second: number;
  calls: number;
  retries: number;
}

/**
 * Keeps retries from multiplying the load on a dependency that is failing already: over any window, at most `ratio` of the calls plus
 * `minPerSecond` a second are retries. The numbers are those of Envoy's and Linkerd's retry budgets.
 */
export function createRetryBudget({
  ratio = 0.2,
  minPerSecond = 10,
  windowMs = 10_000,
  clock = performance,
}: RetryBudgetOptions = {}): RetryBudget {
  const width = Math.max(1, Math.round(windowMs / 1_000));
  const ring: Second[] = Array.from({ length: width }, () => ({ second: -Infinity, calls: 0, retries: 0 }));

  const current = (): Second => {
    const second = Math.floor(clock.now() / 1_000);
    const slot = ring[second % width]!;
    if (slot.second !== second) Object.assign(slot, { second, calls: 0, retries: 0 });
    return slot;
  };

  return {
    recordCall: () => void current().calls++,
    tryRetry: () => {
      const now = current();
      const counted = ring.filter(({ second }) => second > now.second - width);
      const calls = counted.reduce((sum, each) => sum + each.calls, 0);
      const retries = counted.reduce((sum, each) => sum + each.retries, 0);
      const allowed = now.retries < minPerSecond || retries + 1 <= ratio * calls;
      if (allowed) now.retries++;
      return allowed;
    },
  };
}
