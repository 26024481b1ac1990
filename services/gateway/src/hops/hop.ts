import type { CallOptions, ContextValues } from "@connectrpc/connect";
import {
  type Attempt,
  type Breaker,
  createBreaker,
  createBulkhead,
  createHopPolicy,
  createRetryBudget,
  type HopEvents,
} from "@quartet/resilience";
import type { BreakerEvents } from "@quartet/resilience";
import type { Call } from "../domain/stages.ts";
import { asOwnClock, classify, isOutOfTime, toHopError } from "./hop-errors.ts";

export interface HopOptions {
  /** As callers read it in messages: `embedding`. */
  readonly name: string;
  /** Calls at once; as many again may wait within their grant. */
  readonly maxInFlight: number;
  /** A call granted less than this says nothing about the service when its time runs out. */
  readonly fairMs: number;
  readonly events?: HopEvents;
  readonly breakerEvents?: BreakerEvents;
}

export interface StreamClocks {
  /** Until the first message. */
  readonly firstMs: number;
  /** Between messages, only while one is waited for. */
  readonly idleMs: number;
}

/** How one inner service is called. All its errors say why, and may be shown to the caller of the gateway. */
export interface Hop {
  readonly name: string;
  readonly breaker: Breaker;
  /** A call that may be repeated. */
  unary<T>(call: Call, work: (options: CallOptions) => Promise<T>): Promise<T>;
  /** A call that must not be, because it is paid for; never retried. */
  once<T>(call: Call, work: (options: CallOptions) => Promise<T>): Promise<T>;
  /** A stream; never retried. */
  stream<T>(
    call: Call,
    clocks: StreamClocks,
    open: (options: CallOptions) => AsyncIterable<T>,
  ): AsyncGenerator<T, void, undefined>;
  close(): void;
}

/** deadline grant -> bulkhead -> breaker -> retry within its budget -> call, and the one mapping of what comes back. */
export function createHop({ name, maxInFlight, fairMs, events, breakerEvents }: HopOptions): Hop {
  const breaker = createBreaker({ name, ...(breakerEvents && { events: breakerEvents }) });
  const policy = createHopPolicy({
    name,
    breaker,
    bulkhead: createBulkhead({ name, maxInFlight, maxQueued: maxInFlight, maxWaitMs: 60_000 }),
    retry: { budget: createRetryBudget(), maxAttempts: 2 },
    // The deadline that we set is kept at both ends, and either may notice first.
    classify: (error, { grantMs }) =>
      grantMs < fairMs && isOutOfTime(error) ? { outcome: "neutral", retryable: false } : classify(error),
    fairMs,
    ...(events && { events }),
  });
  const ask =
    ({ idempotent }: { readonly idempotent: boolean }): Hop["unary"] =>
    async (call, work) => {
      const { signal, timeoutMs: grantMs, floorMs } = call;
      try {
        return await policy.unary({ grantMs, floorMs, signal, idempotent }, (attempt) =>
          work(callOptions(attempt, call)),
        );
      } catch (error) {
        throw toHopError(asOwnClock(error, name, grantMs), name);
      }
    };
  return {
    name,
    breaker,
    unary: ask({ idempotent: true }),
    once: ask({ idempotent: false }),
    async *stream(call, clocks, open) {
      const { signal, timeoutMs: grantMs, floorMs } = call;
      try {
        yield* policy.stream({ grantMs, floorMs, signal, ...clocks }, (attempt) => open(callOptions(attempt, call)));
      } catch (error) {
        throw toHopError(asOwnClock(error, name, grantMs), name);
      }
    },
    close: () => breaker.close(),
  };
}

function callOptions({ signal, remainingMs }: Attempt, { origin }: Call): CallOptions {
  return { signal, timeoutMs: Math.ceil(remainingMs), ...(origin ? { contextValues: origin as ContextValues } : {}) };
}
