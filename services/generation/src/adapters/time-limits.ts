import type { ClocksOptions } from "@quartet/provider";
import { keptMs } from "../domain/kept-time.ts";

/** How long the provider may take, whatever the caller grants; all in milliseconds. */
export interface TimeLimits {
  /** For one reply. */
  readonly totalTimeoutMs: number;
  /** To the first token of a stream, all attempts together. */
  readonly firstTokenTimeoutMs: number;
  /** Between tokens, while a read is pending. */
  readonly stallTimeoutMs: number;
}

/** The pool's own limit never comes before the clocks, which know why they stop. */
export const POOL_SLACK_MS = 1_000;
/** How long to wait, after the text is whole, for the provider to tell what it costs. */
export const USAGE_WAIT_MS = 1_000;
/** A model that did not begin in less, since its caller was in a hurry, is not known to be at fault. */
const FAIR_FIRST_TOKEN_MS = 5_000;

/** The limits of one stream that has `timeoutMs` at the most. It waits for the first token a little less, so that a fallback still arrives in time. */
export function limitsWithin(
  timeoutMs: number,
  { totalTimeoutMs, firstTokenTimeoutMs, stallTimeoutMs }: TimeLimits,
): Omit<ClocksOptions, "signal"> {
  const totalMs = Math.min(totalTimeoutMs, timeoutMs - keptMs(timeoutMs));
  return {
    totalMs,
    firstTokenMs: Math.min(firstTokenTimeoutMs, totalMs - Math.min(300, totalMs * 0.07)),
    fairFirstTokenMs: Math.min(FAIR_FIRST_TOKEN_MS, firstTokenTimeoutMs),
    stallMs: stallTimeoutMs,
  };
}
