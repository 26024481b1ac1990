import { setTimeout as sleep } from "node:timers/promises";
import { QuartetError } from "@quartet/client";

const maxAttempts = 6;
const maxDelayMs = 60_000;
/** Who asks to wait longer, as until the month's budget starts anew, is not waited for. */
export const longestWaitMs = 15 * 60_000;

/** Calls again where the server asks to wait, after as long as it asks, at most 60 s; at most 6 times. */
export async function patiently<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      const delayMs = error instanceof QuartetError ? error.retryDelayMs : undefined;
      if (delayMs === undefined || delayMs > longestWaitMs || attempt === maxAttempts) throw error;
      // Up to half as long again, so that several callers do not come back at once.
      await sleep(Math.min(delayMs, maxDelayMs) * (1 + Math.random() / 2), undefined, { signal });
    }
  }
}
