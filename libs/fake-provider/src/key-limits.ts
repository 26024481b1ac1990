import { providerErrors } from "./behaviour.ts";
import type { FakeError, FakeKey } from "./behaviour.ts";

export interface KeyLimits {
  /** Counts a request; an error when it is one too many, and the headers that tell how much is left. */
  take(
    key: string,
    limit: FakeKey["limit"],
  ): { readonly error?: FakeError; readonly headers: Readonly<Record<string, string>> };
}

/** Fixed windows, from the first request of each on, by the clock given. */
export function createKeyLimits(now: () => number): KeyLimits {
  const windows = new Map<string, { startedAt: number; used: number }>();
  return {
    take: (key, limit) => {
      if (!limit) return { headers: {} };
      const known = windows.get(key);
      const window = known && now() < known.startedAt + limit.perMs ? known : { startedAt: now(), used: 0 };
      windows.set(key, window);
      const resetMs = Math.ceil(window.startedAt + limit.perMs - now());
      const isOver = window.used >= limit.requests;
      if (!isOver) window.used++;
      const headers = {
        "x-ratelimit-limit-requests": String(limit.requests),
        "x-ratelimit-remaining-requests": String(limit.requests - window.used),
        "x-ratelimit-reset-requests": `${resetMs}ms`,
      };
      if (!isOver) return { headers };
      const error = providerErrors.rateLimit({ retryAfterMs: resetMs, limit: limit.requests });
      return { error, headers };
    },
  };
}
