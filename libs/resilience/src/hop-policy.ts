import type { Breaker, Outcome, Permit } from "./breaker.ts";
import type { Bulkhead, Slot } from "./bulkhead.ts";
import type { Clock } from "./clock.ts";
import { HopTimeoutError, openLimit } from "./limit.ts";
import type { Limit } from "./limit.ts";
import type { RetryBudget } from "./retry-budget.ts";
import { retry } from "./retry.ts";
import type { BackOff } from "./retry.ts";

/** What an error says: about the dependency, and about trying again. */
export interface Verdict {
  readonly outcome: Outcome;
  readonly retryable: boolean;
  /** When trying again helps at the earliest, if the other side said so. */
  readonly retryAfterMs?: number;
}

export interface HopPolicyOptions {
  readonly name: string;
  readonly bulkhead: Bulkhead;
  readonly breaker: Breaker;
  /** Without it nothing is retried. */
  readonly retry?: BackOff & { readonly maxAttempts?: number; readonly budget: RetryBudget };
  /** Reads an error that the call threw while the caller's signal was not aborted. Our own clocks are judged without it. */
  readonly classify: (error: unknown, call: HopCall) => Verdict;
  /** A call that was given less time than this says nothing about the dependency when its time runs out. Default: 0. */
  readonly fairMs?: number;
  readonly clock?: Clock;
  readonly events?: HopEvents;
}

/** For metrics. A listener must not throw. */
export interface HopEvents {
  retried?(event: { readonly attempt: number; readonly delayMs: number }): void;
  /** Once for every call that got its permit. */
  settled?(event: { readonly outcome: Outcome; readonly attempts: number; readonly durationMs: number }): void;
}

export interface HopCall {
  /** From the deadline rule: all that this call may take, waiting and retries included. */
  readonly grantMs: number;
  /** An attempt with less time than this is not started. Default: 0. */
  readonly floorMs?: number;
  /** The caller's. */
  readonly signal?: AbortSignal;
}

export interface UnaryHopCall extends HopCall {
  /** Only an idempotent call is retried. Default: false. */
  readonly idempotent?: boolean;
}

export interface StreamHopCall extends HopCall {
  /** Until the first message. Default: the grant. */
  readonly firstMs?: number;
  /** Between messages, counted only while one is being waited for. Default: the grant. */
  readonly idleMs?: number;
}

/** One attempt: its signal goes into the call, and `remainingMs` is the timeout to tell the other side. */
export interface Attempt {
  readonly signal: AbortSignal;
  readonly number: number;
  readonly remainingMs: number;
}

/**
 * How one dependency is called: deadline -> bulkhead -> breaker -> retry -> call.
 *
 * Both throw HopTimeoutError (our clock), BulkheadFullError, CircuitOpenError (the call was not made), the caller's abort reason, or what
 * the call threw. The place in the bulkhead is given back when the call has truly ended, even if its caller was answered before.
 */
export interface HopPolicy {
  readonly name: string;
  unary<T>(call: UnaryHopCall, work: (attempt: Attempt) => Promise<T>): Promise<T>;
  /** Never retried. The permit is settled at the stream's end; a consumer that leaves early is neutral. */
  stream<T>(call: StreamHopCall, open: (attempt: Attempt) => AsyncIterable<T>): AsyncGenerator<T, void, undefined>;
}

/** A call under way, from its permit to its end. */
interface Entered {
  readonly limit: Limit;
  readonly permit: Permit;
  readonly slot: Slot;
  remainingMs(): number;
  settle(outcome: Outcome, attempts: number): void;
}

export function createHopPolicy(options: HopPolicyOptions): HopPolicy {
  const { name, bulkhead, breaker, classify, fairMs = 0, clock = performance, events = {} } = options;

  /** Judges an error in full; the caller's own abort is never the dependency's fault. */
  const judge = (error: unknown, call: HopCall): Verdict => {
    const { signal, grantMs } = call;
    if (signal?.aborted) return { outcome: "neutral", retryable: false };
    if (error instanceof HopTimeoutError) {
      return { outcome: error.clock === "total" && grantMs < fairMs ? "neutral" : "failure", retryable: false };
    }
    return classify(error, call);
  };

  /** Takes the place and the permit, within the grant. */
  const enter = async (call: HopCall): Promise<Entered> => {
    const { grantMs, floorMs = 0, signal } = call;
    const startedAt = clock.now();
    const remainingMs = () => Math.max(0, startedAt + grantMs - clock.now());
    const limit = openLimit(signal, { limitMs: grantMs, error: () => new HopTimeoutError(name, "total", grantMs) });
    let slot: Slot | undefined;
    try {
      slot = await bulkhead.acquire({ signal: limit.signal, maxWaitMs: grantMs - floorMs });
      const permit = breaker.acquire();
      const settle = (outcome: Outcome, attempts: number) => {
        permit.settle(outcome);
        events.settled?.({ outcome, attempts, durationMs: clock.now() - startedAt });
      };
      return { limit, permit, slot, remainingMs, settle };
    } catch (error) {
      slot?.release();
      limit.close();
      throw error;
    }
  };

  const timeoutOf = (clockName: "first" | "idle", limitMs: number | undefined) =>
    limitMs === undefined ? undefined : { limitMs, error: () => new HopTimeoutError(name, clockName, limitMs) };

  return {
    name,
    unary: async (call, work) => {
      const { limit, permit, slot, remainingMs, settle } = await enter(call);
      const running = new Set<Promise<unknown>>();
      let attempts = 0;
      const attempt = (number: number) => {
        attempts = number;
        const { signal } = limit;
        const begun = (async () => work({ signal, number, remainingMs: remainingMs() }))();
        running.add(begun);
        return limit.wait(begun);
      };
      const retryable = (error: unknown) => {
        const verdict = judge(error, call);
        return verdict.retryable && permit.current ? verdict : undefined;
      };
      try {
        const result = await (options.retry && call.idempotent
          ? retry(attempt, {
              ...options.retry,
              remainingMs,
              floorMs: call.floorMs ?? 0,
              signal: limit.signal,
              retryable,
              onRetry: (number, delayMs) => events.retried?.({ attempt: number, delayMs }),
            })
          : attempt(1));
        settle("success", attempts);
        return result;
      } catch (error) {
        settle(judge(error, call).outcome, attempts);
        throw error;
      } finally {
        limit.close();
        void Promise.allSettled(running).then(() => slot.release());
      }
    },
    stream: async function* (call, open) {
      const { limit, permit, slot, remainingMs, settle } = await enter(call);
      const { signal } = limit;
      let reading: Promise<unknown> = Promise.resolve();
      let iterator: AsyncIterator<unknown> | undefined;
      // A consumer that leaves early, or is so slow that the time is over when it comes back, says nothing about the dependency.
      let outcome: Outcome = "neutral";
      try {
        const source = open({ signal, number: 1, remainingMs: remainingMs() })[Symbol.asyncIterator]();
        iterator = source;
        const idle = timeoutOf("idle", call.idleMs);
        for (let timeout = timeoutOf("first", call.firstMs); ; timeout = idle) {
          signal.throwIfAborted();
          const next = source.next();
          reading = next;
          const message = await limit.wait(next, timeout).catch((error: unknown) => {
            outcome = judge(error, call).outcome;
            throw error;
          });
          if (message.done) break;
          permit.touch();
          yield message.value;
        }
        outcome = "success";
      } finally {
        settle(outcome, 1);
        limit.close();
        void reading
          .catch(() => {})
          .then(() => iterator?.return?.())
          .catch(() => {})
          .then(() => slot.release());
      }
    },
  };
}
