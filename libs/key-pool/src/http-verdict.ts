/** What a provider's error says about the key that was used. */
export type KeyVerdict =
  | { readonly kind: "rate-limit"; readonly retryAfterMs?: number }
  | { readonly kind: "quota" | "auth" | "server" | "other" };

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
  if (status === 429) {
    if (code === "insufficient_quota" || type === "insufficient_quota") return { kind: "quota" };
    const retryAfterMs = isHeaders(headers) ? restMsOf(headers, nowMs) : undefined;
    return { kind: "rate-limit", ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
  return { kind: typeof status === "number" && status >= 500 ? "server" : "other" };
}

/**
 * How long the provider wants the key to rest: `retry-after-ms`, else `retry-after` (seconds or an HTTP date), else the longest
 * `x-ratelimit-reset-*` of a limit of which nothing remains. Undefined when none of them says so.
 */
export function restMsOf(headers: HeadersLike, nowMs: number = Date.now()): number | undefined {
  const milliseconds = nonNegative(headers.get("retry-after-ms"));
  if (milliseconds !== undefined) return milliseconds;
  const after = headers.get("retry-after");
  const seconds = nonNegative(after);
  if (seconds !== undefined) return seconds * 1_000;
  const date = after && /[a-z]{3}/i.test(after) ? Date.parse(after) : NaN;
  if (!Number.isNaN(date)) return Math.max(0, date - nowMs);
  const resets = ["requests", "tokens"]
    .filter((limit) => headers.get(`x-ratelimit-remaining-${limit}`)?.trim() === "0")
    .map((limit) => parseReset(headers.get(`x-ratelimit-reset-${limit}`)))
    .filter((reset) => reset !== undefined);
  return resets.length > 0 ? Math.max(...resets) : undefined;
}

const UNIT_MS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** `12ms`, `1s`, `6m0s`, `1h2m3.5s`; a bare number is seconds. */
function parseReset(text: string | null): number | undefined {
  const trimmed = text?.trim() ?? "";
  const seconds = nonNegative(trimmed);
  if (seconds !== undefined) return seconds * 1_000;
  if (!/^(\d{1,9}(\.\d{1,9})?(ms|[dhms]))+$/.test(trimmed)) return undefined;
  const parts = trimmed.matchAll(/([\d.]+)(ms|[dhms])/g);
  return [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * UNIT_MS[unit!]!, 0);
}

function nonNegative(text: string | null): number | undefined {
  return text !== null && /^\s*\d{1,12}(\.\d{1,9})?\s*$/.test(text) ? Number(text) : undefined;
}

const isHeaders = (value: unknown): value is HeadersLike =>
  typeof value === "object" && value !== null && typeof (value as HeadersLike).get === "function";
