import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { createBreaker } from "./breaker.ts";
import type { Breaker, Outcome } from "./breaker.ts";
import { createBulkhead } from "./bulkhead.ts";
import type { Bulkhead } from "./bulkhead.ts";
import { createHopPolicy } from "./hop-policy.ts";
import type { Attempt, HopPolicy, HopPolicyOptions } from "./hop-policy.ts";
import { HopTimeoutError } from "./limit.ts";
import { createRetryBudget } from "./retry-budget.ts";

class Down extends Error {}
class Mistake extends Error {}

let bulkhead: Bulkhead;
let breaker: Breaker;
let outcomes: string[];
const build = (overrides: Partial<HopPolicyOptions> = {}): HopPolicy =>
  createHopPolicy({
    name: "hop",
    bulkhead,
    breaker,
    retry: { budget: createRetryBudget(), random: () => 0.5 },
    classify: (error) =>
      error instanceof Mistake ? { outcome: "neutral", retryable: false } : { outcome: "failure", retryable: true },
    events: { settled: ({ outcome, attempts }) => outcomes.push(`${outcome} ${attempts}`) },
    ...overrides,
  });
const caught = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );
/** Ends only when it hears of the abort, in its own words, as a transport does. */
const hanging = ({ signal }: Attempt) =>
  new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(new Down("canceled"))));

beforeEach(() => {
  jest.useFakeTimers();
  outcomes = [];
  bulkhead = createBulkhead({ name: "hop", maxInFlight: 2, maxQueued: 1, maxWaitMs: 500 });
  breaker = createBreaker({ name: "hop", minimumCalls: 2, openMs: 1_000 });
});
afterEach(() => {
  breaker.close();
  expect(bulkhead.inFlight).toBe(0);
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

describe("unary", () => {
  it("passes the signal and the remaining time on, and aborts the signal at the end", async () => {
    let given: Attempt | undefined;
    expect(await build().unary({ grantMs: 400 }, async (attempt) => ((given = attempt), "answer"))).toBe("answer");
    expect(given).toMatchObject({ number: 1, remainingMs: 400 });
    expect(given?.signal.aborted).toBe(true);
    expect(outcomes).toEqual(["success 1"]);
  });

  it("retries an idempotent call, and only that", async () => {
    const policy = build();
    const work = jest.fn(async ({ number }: Attempt) => {
      if (number === 1) throw new Down();
      return "answer";
    });
    const answer = policy.unary({ grantMs: 1_000, idempotent: true }, work);
    await jest.advanceTimersByTimeAsync(25);
    expect(await answer).toBe("answer");
    expect(work.mock.calls.map(([{ remainingMs }]) => remainingMs)).toEqual([1_000, 975]);
    expect(await caught(policy.unary({ grantMs: 1_000 }, work))).toBeInstanceOf(Down);
    expect(outcomes).toEqual(["success 2", "failure 1"]);
  });

  it("ends at the grant with its own error, whatever the call says to the abort", async () => {
    const answer = caught(build().unary({ grantMs: 300, idempotent: true }, hanging));
    await jest.advanceTimersByTimeAsync(300);
    expect(await answer).toEqual(new HopTimeoutError("hop", "total", 300));
    expect(outcomes).toEqual(["failure 1"]);
  });

  it("does not blame the dependency for a time that was too short to be fair", async () => {
    const policy = build({ fairMs: 200 });
    const answers = [199, 200].map((grantMs) => caught(policy.unary({ grantMs }, hanging)));
    await jest.advanceTimersByTimeAsync(200);
    await Promise.all(answers);
    expect(outcomes).toEqual(["neutral 1", "failure 1"]);
  });

  it("gives the caller's reason when the caller leaves, and counts it as neutral", async () => {
    const caller = new AbortController();
    const answer = caught(build().unary({ grantMs: 300, signal: caller.signal, idempotent: true }, hanging));
    await jest.advanceTimersByTimeAsync(10);
    const reason = new Error("gone");
    caller.abort(reason);
    expect(await answer).toBe(reason);
    expect(outcomes).toEqual(["neutral 1"]);
  });

  it("keeps the place until a call that ignores its signal has ended", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const answer = caught(build().unary({ grantMs: 100 }, () => promise));
    await jest.advanceTimersByTimeAsync(100);
    expect(await answer).toBeInstanceOf(HopTimeoutError);
    expect(bulkhead.inFlight).toBe(1);
    resolve();
    await jest.advanceTimersByTimeAsync(0);
    expect(bulkhead.inFlight).toBe(0);
  });

  it("does not call an open circuit, and frees the place", async () => {
    const policy = build();
    const work = jest.fn(() => Promise.reject(new Down()));
    await caught(policy.unary({ grantMs: 100 }, work));
    await caught(policy.unary({ grantMs: 100 }, work));
    expect(await caught(policy.unary({ grantMs: 100 }, work))).toMatchObject({
      name: "CircuitOpenError",
      retryAfterMs: 1_000,
    });
    expect(work).toHaveBeenCalledTimes(2);
  });

  it("is not moved by mistakes of callers", async () => {
    const policy = build();
    for (let call = 0; call < 20; call++) {
      await caught(policy.unary({ grantMs: 100, idempotent: true }, () => Promise.reject(new Mistake())));
    }
    expect(breaker.state).toBe("closed");
    expect(new Set(outcomes)).toEqual(new Set(["neutral 1"]));
  });

  it("stops retrying when the circuit has opened meanwhile", async () => {
    const work = jest.fn(() => Promise.reject(new Down()));
    const answer = caught(
      build().unary({ grantMs: 5_000, idempotent: true }, async (attempt) => {
        const others = [breaker.acquire(), breaker.acquire()];
        for (const other of others) other.settle("failure");
        return work.call(attempt);
      }),
    );
    await jest.advanceTimersByTimeAsync(5_000);
    expect(await answer).toBeInstanceOf(Down);
    expect(work).toHaveBeenCalledTimes(1);
  });

  it("waits for a place within its grant, less the floor", async () => {
    const policy = build();
    const { promise, resolve } = Promise.withResolvers<void>();
    const busy = [1, 2].map(() => policy.unary({ grantMs: 5_000 }, () => promise));
    const work = jest.fn(async () => {});
    const answer = caught(policy.unary({ grantMs: 300, floorMs: 100 }, work));
    await jest.advanceTimersByTimeAsync(199);
    expect(bulkhead.queued).toBe(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(await answer).toMatchObject({ name: "BulkheadFullError", kind: "waited" });
    expect(work).not.toHaveBeenCalled();
    resolve();
    await Promise.all(busy);
  });
});

describe("stream", () => {
  /** Waits the given times before its messages, and hears of its signal. */
  const messages = (...waitsMs: number[]) =>
    async function* ({ signal }: Attempt): AsyncGenerator<number> {
      for (const [index, waitMs] of waitsMs.entries()) {
        await new Promise<void>((resolve, reject) => {
          const timer = setTimeout(resolve, waitMs);
          signal.addEventListener("abort", () => (clearTimeout(timer), reject(new Down("canceled"))));
        });
        yield index;
      }
    };
  const read = async (stream: AsyncIterable<number>, pauseMs = 0): Promise<{ got: number[]; error?: unknown }> => {
    const got: number[] = [];
    try {
      for await (const message of stream) {
        got.push(message);
        if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    } catch (error) {
      return { got, error };
    }
    return { got };
  };

  it("settles at its end", async () => {
    const reading = read(build().stream({ grantMs: 1_000 }, messages(10, 10, 10)));
    await jest.advanceTimersByTimeAsync(20);
    expect([outcomes, bulkhead.inFlight]).toEqual([[], 1]);
    await jest.advanceTimersByTimeAsync(10);
    expect(await reading).toEqual({ got: [0, 1, 2] });
    expect(outcomes).toEqual(["success 1"]);
  });

  it.each<["total" | "first" | "idle", number[], number[]]>([
    ["first", [60], []],
    ["idle", [10, 60], [0]],
    ["total", [40, 20, 20, 20, 20, 20], [0, 1, 2]],
  ])("ends by the %s clock, as a failure", async (clock, waitsMs, got) => {
    const reading = read(build().stream({ grantMs: 100, firstMs: 50, idleMs: 30 }, messages(...waitsMs)));
    await jest.advanceTimersByTimeAsync(100);
    const result = await reading;
    expect(result.error).toMatchObject({ name: "HopTimeoutError", clock });
    expect(result.got).toEqual(got);
    expect(outcomes).toEqual(["failure 1"]);
  });

  it("runs the idle clock only while a message is waited for", async () => {
    const reading = read(build().stream({ grantMs: 1_000, idleMs: 30 }, messages(10, 10, 10)), 100);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await reading).toEqual({ got: [0, 1, 2] });
  });

  it("does not blame the dependency for a reader that is too slow for the grant", async () => {
    const reading = read(build().stream({ grantMs: 150 }, messages(10, 10, 10)), 100);
    await jest.advanceTimersByTimeAsync(1_000);
    const result = await reading;
    expect(result.error).toMatchObject({ clock: "total" });
    expect(outcomes).toEqual(["neutral 1"]);
  });

  it.each<["break" | "abort", Outcome]>([
    ["break", "neutral"],
    ["abort", "neutral"],
  ])("ends the call when the reader leaves by %s", async (way, outcome) => {
    const caller = new AbortController();
    let given: AbortSignal | undefined;
    let ended = false;
    const open = async function* (attempt: Attempt) {
      given = attempt.signal;
      try {
        yield* messages(10, 10, 10)(attempt);
      } finally {
        ended = true;
      }
    };
    const reading = (async () => {
      for await (const _ of build().stream({ grantMs: 1_000, signal: caller.signal }, open)) {
        if (way === "break") break;
        caller.abort(new Error("gone"));
      }
    })();
    const result = caught(reading);
    await jest.advanceTimersByTimeAsync(10);
    expect(await result).toEqual(way === "break" ? undefined : new Error("gone"));
    await jest.advanceTimersByTimeAsync(0);
    expect([given?.aborted, ended]).toEqual([true, true]);
    expect(outcomes).toEqual([`${outcome} 1`]);
  });

  it("gives the error of the call, after the messages before it", async () => {
    const open = async function* () {
      yield 0;
      throw new Down("cut");
    };
    expect(await read(build().stream({ grantMs: 100 }, open))).toEqual({ got: [0], error: new Down("cut") });
    expect(outcomes).toEqual(["failure 1"]);
  });

  it("keeps a long probe alive by its messages", async () => {
    breaker.close();
    breaker = createBreaker({ name: "hop", minimumCalls: 1, openMs: 100, probeLimitMs: 50 });
    const policy = build();
    await caught(policy.unary({ grantMs: 100 }, () => Promise.reject(new Down())));
    await jest.advanceTimersByTimeAsync(100);
    expect(breaker.state).toBe("half-open");
    const reading = read(policy.stream({ grantMs: 1_000 }, messages(40, 40, 40, 40)));
    await jest.advanceTimersByTimeAsync(159);
    expect(breaker.state).toBe("half-open");
    await jest.advanceTimersByTimeAsync(1);
    await reading;
    expect(breaker.state).toBe("closed");
  });
});
