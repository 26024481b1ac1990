import { nonNegative, quotaOf } from "./quota-headers.ts";

/** What a provider's error says about the key that was used. */
export type KeyVerdict =
  | { readonly kind: "rate-limit"; readonly retryAfterMs?: number }
  /** `forbidden`: the key works, though not for this call. */
  | { readonly kind: "quota" | "auth" | "forbidden" | "server" | "other" };

/** The part of a response's headers that is read; `Headers` is one. */
export interface HeadersLike {
  get(name: string): string | null;
}

/**
 * Reads an error by its shape (`status`, `code` or `type`, `headers`), as SDKs of OpenAI-compatible endpoints throw it. Without a status it
 * says `other`: only the adapter knows its SDK's connection errors.
 */
export function httpVerdict(error: unknown, nowMs: number = Date.now()): KeyVerdict {
  const { status, code, type, headers } = (error ?? {}) as Readonly<Record<string, unknown>>;
  if (status === 401) return { kind: "auth" };
  // Payment required: how several other providers than OpenAI say that there is no credit left.
  if (status === 402) return { kind: "quota" };
  if (status === 403) return { kind: "forbidden" };
  if (status === 429) {
    if (code === "insufficient_quota" || type === "insufficient_quota") return { kind: "quota" };
    const retryAfterMs = isHeaders(headers) ? restMsOf(headers, nowMs) : undefined;
    return { kind: "rate-limit", ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
  return { kind: typeof status === "number" && status >= 500 ? "server" : "other" };
}

/**
 * How long the provider wants the key to rest: `retry-after-ms`, else `retry-after` (seconds or an HTTP date), else the longest
 * `x-ratelimit-reset-*` of a limit of which nothing remains; a day at most. Undefined when none of them says so.
 */
export function restMsOf(headers: HeadersLike, nowMs: number = Date.now()): number | undefined {
  const told = toldRestMs(headers, nowMs);
  return told === undefined ? undefined : Math.min(LONGEST_REST_MS, told);
}

/** A day: whatever a provider says, one call a day finds out. */
export const LONGEST_REST_MS = 86_400_000;

function toldRestMs(headers: HeadersLike, nowMs: number): number | undefined {
  const milliseconds = nonNegative(headers.get("retry-after-ms"));
  if (milliseconds !== undefined) return milliseconds;
  const after = headers.get("retry-after");
  const seconds = nonNegative(after);
  if (seconds !== undefined) return seconds * 1_000;
  const date = after && /[a-z]{3}/i.test(after) ? Date.parse(after) : NaN;
  if (!Number.isNaN(date)) return Math.max(0, date - nowMs);
  const resets = (["requests", "tokens"] as const)
    .map((kind) => quotaOf(headers, kind, nowMs))
    .map((quota) => (quota?.remaining === 0 ? quota.resetMs : undefined))
    .filter((resetMs) => resetMs !== undefined);
  return resets.length > 0 ? Math.max(...resets) : undefined;
}

const isHeaders = (value: unknown): value is HeadersLike =>
  typeof value === "object" && value !== null && typeof (value as HeadersLike).get === "function";
