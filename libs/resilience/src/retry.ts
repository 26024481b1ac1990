import { pause } from "./pause.ts";
import type { RetryBudget } from "./retry-budget.ts";

export interface BackOff {
  /** The upper end of the first wait. Default: 50 ms. */
  readonly baseMs?: number;
  /** The upper end of any wait. Default: 1 s. */
  readonly maxMs?: number;
  /** From 0 to below 1. Default: Math.random. */
  readonly random?: () => number;
}

export interface RetryOptions extends BackOff {
  /** All attempts, the first one included. Default: 2. */
  readonly maxAttempts?: number;
  /** Shared by all calls to the same dependency. */
  readonly budget: RetryBudget;
  /** What is left for this call. */
  readonly remainingMs: () => number;
  /** An attempt with less time than this is not worth starting. Default: 0. */
  readonly floorMs?: number;
  readonly signal?: AbortSignal;
  /** Whether the error may go away by itself, and when at the earliest, if the other side said so. */
  readonly retryable: (error: unknown) => { readonly retryAfterMs?: number } | undefined;
  readonly onRetry?: (attempt: number, delayMs: number) => void;
}

/**
 * The wait before attempt `attempt + 1`: exponential with full jitter, anywhere from 0 to min(maxMs, baseMs x 2^(attempt - 1)).
 * (M. Brooker, "Exponential Backoff And Jitter", 2015)
 */
export function backOffMs(attempt: number, { baseMs = 50, maxMs = 1_000, random = Math.random }: BackOff = {}): number {
  return random() * Math.min(maxMs, baseMs * 2 ** (attempt - 1));
}

/**
 * Runs an idempotent call, again when it fails in a way that may pass and there is time, budget and an attempt left for it.
 *
 * @throws the error of the last attempt, or the signal's reason when it was aborted between attempts.
 */
export async function retry<T>(call: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const { maxAttempts = 2, budget, remainingMs, floorMs = 0, signal, retryable, onRetry } = options;
  budget.recordCall();
  for (let attempt = 1; ; attempt++) {
    try {
      return await call(attempt);
    } catch (error) {
      if (attempt >= maxAttempts || signal?.aborted) throw error;
      const verdict = retryable(error);
      if (!verdict) throw error;
      const delayMs = Math.max(backOffMs(attempt, options), verdict.retryAfterMs ?? 0);
      // The budget comes last: what is asked of it is used.
      if (remainingMs() < delayMs + floorMs || !budget.tryRetry()) throw error;
      onRetry?.(attempt, delayMs);
      await pause(delayMs, signal);
    }
  }
}
