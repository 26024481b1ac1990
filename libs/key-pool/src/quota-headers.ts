import type { HeadersLike } from "./http-verdict.ts";

/** What a reply says about one limit of its key. */
export interface QuotaNews {
  /** What is left in the provider's window. */
  readonly remaining: number;
  /** What there is in a full window; undefined when not told. */
  readonly limit: number | undefined;
  /** When the window is full again; undefined when not told. */
  readonly resetMs: number | undefined;
}

const NAMES = {
  requests: ["x-ratelimit-remaining-requests", "x-ratelimit-limit-requests", "x-ratelimit-reset-requests"],
  tokens: ["x-ratelimit-remaining-tokens", "x-ratelimit-limit-tokens", "x-ratelimit-reset-tokens"],
} as const;

/** Undefined when the provider does not tell what remains. */
export function quotaOf(
  headers: HeadersLike,
  kind: keyof typeof NAMES,
  nowMs: number = Date.now(),
): QuotaNews | undefined {
  const [remainingName, limitName, resetName] = NAMES[kind];
  const remaining = countOf(headers.get(remainingName));
  if (remaining === undefined) return undefined;
  return { remaining, limit: countOf(headers.get(limitName)), resetMs: resetMsOf(headers.get(resetName), nowMs) };
}

/**
 * Whose limits the key counts against: OpenAI names the organization and, for its newer keys, the project on every reply. Limits are set
 * for a project and for the organization around it, so that keys of two projects may still have limits of their own.
 */
export function limitOwnerOf(headers: HeadersLike): string | undefined {
  const organization = headers.get("openai-organization");
  return organization ? `${organization}\n${headers.get("openai-project") ?? ""}` : undefined;
}

const UNIT_MS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
/** A bare number as large as this is no duration but a moment, in seconds since 1970; a thousand times that, in milliseconds. */
const EPOCH_SECONDS = 1e9;

/** `12ms`, `1s`, `6m0s`, `1h2m3.5s`; a bare number is seconds. Gateways between also write moments: since 1970, or as a date. */
function resetMsOf(text: string | null, nowMs: number): number | undefined {
  const trimmed = text?.trim() ?? "";
  const bare = nonNegative(trimmed);
  if (bare !== undefined) {
    if (bare < EPOCH_SECONDS) return bare * 1_000;
    return Math.max(0, (bare < EPOCH_SECONDS * 1_000 ? bare * 1_000 : bare) - nowMs);
  }
  if (/^(\d{1,9}(\.\d{1,9})?(ms|[dhms]))+$/.test(trimmed)) {
    const parts = trimmed.matchAll(/([\d.]+)(ms|[dhms])/g);
    return [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * UNIT_MS[unit!]!, 0);
  }
  const moment = /^\d{4}-\d\d-\d\dT/.test(trimmed) ? Date.parse(trimmed) : NaN;
  return Number.isNaN(moment) ? undefined : Math.max(0, moment - nowMs);
}

export function nonNegative(text: string | null): number | undefined {
  return text !== null && /^\s*\d{1,13}(\.\d{1,9})?\s*$/.test(text) ? Number(text) : undefined;
}

/** Some providers write -1 where there is no limit. */
const countOf = (text: string | null): number | undefined =>
  text !== null && /^\s*\d{1,15}\s*$/.test(text) ? Number(text) : undefined;
