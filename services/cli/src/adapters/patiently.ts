import { setTimeout as sleep } from "node:timers/promises";
import { QuartetError } from "@quartet/client";

/** Of one call. */
export const maxAttempts = 6;
const maxDelayMs = 60_000;
/** Who asks to wait longer, as until the month's budget starts anew, is not waited for. */
const longestWaitMs = 15 * 60_000;

/** Calls again where the server asks to wait, after as long as it asks, at most 60 s; at most 6 times. */
export async function patiently<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      const delayMs = delayAskedBy(error);
      if (delayMs === undefined || attempt === maxAttempts) throw error;
      await waitAsAsked(delayMs, signal);
    }
  }
}

/** How long the server asks to wait; undefined where waiting does not help, or not soon. */
export function delayAskedBy(error: unknown): number | undefined {
  const delayMs = error instanceof QuartetError ? error.retryDelayMs : undefined;
  return delayMs !== undefined && delayMs <= longestWaitMs ? delayMs : undefined;
}

/** At most 60 s, and up to half as long again, so that several callers do not come back at once. */
export async function waitAsAsked(delayMs: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.min(delayMs, maxDelayMs) * (1 + Math.random() / 2), undefined, { signal });
}
