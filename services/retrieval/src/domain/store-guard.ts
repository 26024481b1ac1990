import { type Breaker, CircuitOpenError, type Outcome, type Permit } from "@quartet/resilience";
import { IndexMissingError } from "./projection.ts";
import type { CallOptions } from "./record-store.ts";
import { StoreBusyError, StoreRefusedError, StoreTimeoutError } from "./store-errors.ts";

/** How one store is asked: each call under a signal of its own, for a time, and not at all while the store is known to fail. */
export interface StoreGuard {
  /**
   * Runs the work with the time that it has and a signal that is aborted at the limit, with the caller, and at the end; work that is deaf to it
   * is left behind.
   *
   * @throws {StoreTimeoutError} at the limit; {CircuitOpenError} without asking; the caller's reason when its signal is aborted; else
   * what the work throws
   */
  run<T>(work: (options: CallOptions) => Promise<T>, call: GuardedCall): Promise<T>;
}

export interface GuardedCall {
  readonly signal: AbortSignal;
  /** Infinity for none. */
  readonly limitMs: number;
}

export interface StoreGuardOptions {
  /** Absent where the store cannot be away, because it is part of this process. */
  readonly breaker?: Breaker;
  /** A call that was given less says nothing about the store when its time runs out. Default: 250. */
  readonly fairMs?: number;
}

const blameless = [StoreBusyError, StoreRefusedError, IndexMissingError];

/** Made once: an abort without a reason makes an exception with a stack for each call. */
const ended = new Error("the call has ended");

/**
 * What a call says about the store: its own faults and silence count. The caller's leaving, our own limits, a request that it refuses, an index
 * that is being built and a time that was too short to be fair do not.
 */
export function createStoreGuard({ breaker, fairMs = 250 }: StoreGuardOptions = {}): StoreGuard {
  const judge = (error: unknown, { signal, limitMs }: GuardedCall): Outcome => {
    if (signal.aborted || blameless.some((type) => error instanceof type)) return "neutral";
    return error instanceof StoreTimeoutError && limitMs < fairMs ? "neutral" : "failure";
  };
  return {
    async run(work, call) {
      call.signal.throwIfAborted();
      const permit: Permit | undefined = breaker?.acquire();
      try {
        const result = await withLimit(work, call);
        permit?.settle("success");
        return result;
      } catch (error) {
        permit?.settle(judge(error, call));
        throw error;
      }
    },
  };
}

/** Whether a store was not asked because it is known to fail. */
export const isCircuitOpen = (error: unknown): error is CircuitOpenError => error instanceof CircuitOpenError;

async function withLimit<T>(work: (options: CallOptions) => Promise<T>, { signal, limitMs }: GuardedCall): Promise<T> {
  if (limitMs <= 0) throw new StoreTimeoutError(0);
  const own = new AbortController();
  const aborted = Promise.withResolvers<never>();
  const stop = (reason: unknown) => {
    // Before the work hears of it, whose error would hide whose clock it was.
    aborted.reject(reason);
    own.abort(reason);
  };
  const timer = limitMs === Infinity ? undefined : setTimeout(() => stop(new StoreTimeoutError(limitMs)), limitMs);
  const onAbort = () => stop(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([
      work(limitMs === Infinity ? { signal: own.signal } : { signal: own.signal, timeoutMs: limitMs }),
      aborted.promise,
    ]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    own.abort(ended);
  }
}
