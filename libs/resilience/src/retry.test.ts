import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import fc from "fast-check";
import { createRetryBudget } from "./retry-budget.ts";
import { backOffMs, retry } from "./retry.ts";
import type { RetryOptions } from "./retry.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe("createRetryBudget", () => {
  it("allows the share of the calls, and the floor each second", () => {
    const clock = { at: 0, now: () => clock.at };
    const budget = createRetryBudget({ clock });
    const granted = () => Array.from({ length: 500 }, () => budget.tryRetry()).filter(Boolean).length;
    expect(granted()).toBe(10);
    for (let call = 0; call < 1_000; call++) budget.recordCall();
    expect(granted()).toBe(190);
    clock.at = 1_000;
    expect(granted()).toBe(10);
    clock.at = 10_000;
    expect(granted()).toBe(10);
  });

  it("keeps ten seconds of total outage within 1.2 times the load", () => {
    const clock = { at: 0, now: () => clock.at };
    const budget = createRetryBudget({ clock });
    let attempts = 0;
    for (let call = 0; call < 5_000; call++) {
      clock.at = call * 2;
      budget.recordCall();
      attempts += budget.tryRetry() ? 2 : 1;
    }
    expect(attempts / 5_000).toBeLessThanOrEqual(1.2);
    expect(attempts / 5_000).toBeGreaterThan(1.19);
  });

  it("does as its statement says, counted from a list of all that happened", () => {
    const event = fc.record({ afterMs: fc.nat(1_500), calls: fc.nat(30), retries: fc.nat(15) });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        const clock = { at: 5e8, now: () => clock.at };
        const budget = createRetryBudget({ ratio: 0.2, minPerSecond: 3, windowMs: 4_000, clock });
        const calls: number[] = [];
        const retries: number[] = [];
        for (const each of events) {
          clock.at += each.afterMs;
          const second = Math.floor(clock.at / 1_000);
          const within = (list: readonly number[], seconds: number) =>
            list.filter((at) => at > second - seconds).length;
          for (let call = 0; call < each.calls; call++) {
            budget.recordCall();
            calls.push(second);
          }
          for (let attempt = 0; attempt < each.retries; attempt++) {
            const expected = within(retries, 1) < 3 || within(retries, 4) + 1 <= 0.2 * within(calls, 4);
            if (budget.tryRetry() !== expected) return false;
            if (expected) retries.push(second);
          }
        }
        return true;
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("backOffMs", () => {
  it("is spread from nothing to twice the last bound, and never above its end", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, share) => {
        const delay = backOffMs(attempt, { baseMs: 50, maxMs: 1_000, random: () => share });
        const bound = Math.min(1_000, 50 * 2 ** (attempt - 1));
        return delay >= 0 && delay < bound + 1e-9 && Math.abs(delay - share * bound) < 1e-9;
      }),
    );
  });
});

describe("retry", () => {
  const failing = (times: number) => {
    const call = jest.fn(async (attempt: number) => {
      if (attempt <= times) throw new Error(`attempt ${attempt} failed`);
      return "answer";
    });
    return call;
  };
  const options = (overrides: Partial<RetryOptions> = {}): RetryOptions => ({
    maxAttempts: 3,
    budget: createRetryBudget(),
    remainingMs: () => 10_000,
    retryable: () => ({}),
    random: () => 0.5,
    ...overrides,
  });
  const run = async (call: (attempt: number) => Promise<string>, given: RetryOptions) => {
    const outcome = retry(call, given).then(
      (value) => value,
      (error: unknown) => String(error),
    );
    await jest.runAllTimersAsync();
    return outcome;
  };

  it("waits between attempts, the longer the more there were", async () => {
    const onRetry = jest.fn();
    const call = failing(2);
    expect(await run(call, options({ onRetry }))).toBe("answer");
    expect(onRetry.mock.calls).toEqual([
      [1, 25],
      [2, 50],
    ]);
  });

  it("gives the last error when the attempts are used up", async () => {
    const call = failing(9);
    expect(await run(call, options())).toBe("Error: attempt 3 failed");
    expect(call).toHaveBeenCalledTimes(3);
  });

  it("does not repeat what will not pass, nor without budget", async () => {
    const call = failing(9);
    await run(call, options({ retryable: () => undefined }));
    await run(call, options({ budget: { recordCall: () => {}, tryRetry: () => false } }));
    expect(call).toHaveBeenCalledTimes(2);
  });

  it("needs the back-off and the floor in the time that is left, and then leaves the budget alone", async () => {
    const tryRetry = jest.fn(() => true);
    const budget = { recordCall: () => {}, tryRetry };
    const call = failing(9);
    await run(call, options({ budget, floorMs: 100, remainingMs: () => 124 }));
    expect(call).toHaveBeenCalledTimes(1);
    expect(tryRetry).not.toHaveBeenCalled();
    await run(call, options({ budget, floorMs: 100, remainingMs: () => 125, maxAttempts: 2 }));
    expect(call).toHaveBeenCalledTimes(3);
  });

  it("waits at least as long as the other side asked", async () => {
    const onRetry = jest.fn();
    await run(failing(1), options({ onRetry, retryable: () => ({ retryAfterMs: 700 }) }));
    expect(onRetry.mock.calls).toEqual([[1, 700]]);
  });

  it("makes no attempt after the signal is aborted, in a call or in a wait", async () => {
    const during = new AbortController();
    const call = jest.fn(async () => {
      during.abort(new Error("gone"));
      throw new Error("failed");
    });
    expect(await run(call as () => Promise<string>, options({ signal: during.signal }))).toBe("Error: failed");
    expect(call).toHaveBeenCalledTimes(1);

    const between = new AbortController();
    const again = failing(9);
    const onRetry = () => queueMicrotask(() => between.abort(new Error("gone")));
    expect(await run(again, options({ signal: between.signal, onRetry }))).toBe("Error: gone");
    expect(again).toHaveBeenCalledTimes(1);
  });
});
