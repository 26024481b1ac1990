import type { FakeLimit } from "./behaviour.ts";
import { wordDuration } from "./durations.ts";
import { type FakeError, type LimitedBy, providerErrors } from "./provider-errors.ts";

/** A call that wants to be counted. */
export interface CountedCall {
  readonly key: string;
  readonly limit: FakeLimit | undefined;
  readonly model: string;
  readonly organization: string;
  /** What the provider reckons that it takes. */
  readonly tokens: number;
}

export interface KeyLimits {
  /** Counts a call that fits; an error when it does not, and the headers that tell how much is left. */
  take(call: CountedCall): { readonly error?: FakeError; readonly headers: Readonly<Record<string, string>> };
}

interface Window {
  startedAt: number;
  requests: number;
  tokens: number;
}

const A_MINUTE_MS = 60_000;
/** Windows that are over are forgotten when there are so many. */
const MAX_WINDOWS = 10_000;

/** Fixed windows, from the first request of each on, by the clock given. A refused call counts for nothing. */
export function createKeyLimits(now: () => number): KeyLimits {
  const windows = new Map<string, Window>();

  const windowOf = (name: string, perMs: number): Window => {
    const known = windows.get(name);
    if (known && now() < known.startedAt + perMs) return known;
    const window = { startedAt: now(), requests: 0, tokens: 0 };
    windows.delete(name);
    windows.set(name, window);
    if (windows.size > MAX_WINDOWS) windows.delete(windows.keys().next().value!);
    return window;
  };

  return {
    take: ({ key, limit, model, organization, tokens }) => {
      if (limit?.requests === undefined && limit?.tokens === undefined) return { headers: {} };
      const { requests: maxRequests, tokens: maxTokens, perMs = A_MINUTE_MS, group } = limit;
      const window = windowOf(group === undefined ? `key ${key}` : `group ${group}`, perMs);
      const resetMs = window.startedAt + perMs - now();
      const facts = { retryAfterMs: resetMs, model, organization };
      const error =
        maxTokens !== undefined && tokens > maxTokens
          ? providerErrors.tooLargeForLimit({ ...facts, limit: maxTokens, requested: tokens })
          : maxRequests !== undefined && window.requests >= maxRequests
            ? providerErrors.rateLimit({ ...facts, limit: maxRequests })
            : maxTokens !== undefined && window.tokens + tokens > maxTokens
              ? providerErrors.rateLimit({
                  ...facts,
                  by: "tokens",
                  limit: maxTokens,
                  used: window.tokens,
                  requested: tokens,
                })
              : undefined;
      if (!error) {
        window.requests += 1;
        window.tokens += tokens;
      }
      const headers = {
        ...quotaHeaders("requests", maxRequests, window.requests, resetMs),
        ...quotaHeaders("tokens", maxTokens, window.tokens, resetMs),
      };
      return error ? { error, headers } : { headers };
    },
  };
}

const quotaHeaders = (
  what: Exclude<LimitedBy, "concurrent">,
  limit: number | undefined,
  used: number,
  resetMs: number,
): Record<string, string> =>
  limit === undefined
    ? {}
    : {
        [`x-ratelimit-limit-${what}`]: String(limit),
        [`x-ratelimit-remaining-${what}`]: String(Math.max(0, limit - used)),
        [`x-ratelimit-reset-${what}`]: wordDuration(resetMs),
      };
