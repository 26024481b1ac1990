import type { HeadersLike, KeyVerdict } from "./http-verdict.ts";
import { NoKeyAvailableError } from "./no-key-available-error.ts";

/** A provider's key and the name under which it is spoken of. */
export interface PoolKey {
  readonly label: string;
  readonly value: string;
}

type RemovedAs = "out-of-quota" | "refused";

export type KeyState = "healthy" | "resting" | RemovedAs;

/** One key's doings since the start. */
export interface KeyUsage {
  readonly label: string;
  readonly state: KeyState;
  /** How long it still rests; 0 when it does not. */
  readonly restMs: number;
  readonly calls: number;
  readonly errors: number;
  /** How often it was at its limit. */
  readonly rests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Billionths of the price table's currency unit; undefined when no call had a price. */
  readonly costNanos: number | undefined;
  /** Requests left in the provider's window, as it said last; undefined when it has not. */
  readonly remainingRequests: number | undefined;
  readonly remainingTokens: number | undefined;
}

/** A key as the pool sees it. It never leaves the pool. */
export interface Entry {
  readonly key: PoolKey;
  removed: RemovedAs | undefined;
  /** What another replica found out about it, and how long that is believed. */
  removedElsewhere: { readonly as: RemovedAs; readonly until: number } | undefined;
  restsUntil: number;
  /** Limits met since the last success, for providers that do not say how long. */
  limitsInARow: number;
  /** The number of its last use, 0 before the first. */
  lastUse: number;
  calls: number;
  errors: number;
  rests: number;
  inputTokens: number;
  outputTokens: number;
  costNanos: number | undefined;
  remainingRequests: number | undefined;
  remainingTokens: number | undefined;
}

export interface RestOptions {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** The keys and their states; which one is next, and what an error does to it. */
export function createKeyRing(keys: readonly PoolKey[], { baseMs, maxMs }: RestOptions) {
  const entries = keys.map((key): Entry => ({ key, ...FRESH }));
  let uses = 0;
  const state = ({ removed, removedElsewhere, restsUntil }: Entry, now: number): KeyState => {
    if (removed !== undefined) return removed;
    if (removedElsewhere !== undefined && removedElsewhere.until > now) return removedElsewhere.as;
    return restsUntil > now ? "resting" : "healthy";
  };

  return {
    entries,

    /** The least recently used healthy key; of those not yet `tried`, when there is one. */
    next: (
      now: number,
      tried: ReadonlySet<Entry>,
    ): { readonly entry: Entry; readonly wasTried: boolean } | undefined => {
      const healthy = entries.filter((entry) => state(entry, now) === "healthy");
      const fresh = healthy.filter((entry) => !tried.has(entry));
      const [entry] = (fresh.length > 0 ? fresh : healthy).sort((left, right) => left.lastUse - right.lastUse);
      return entry && { entry, wasTried: fresh.length === 0 };
    },

    use: (entry: Entry) => {
      entry.lastUse = ++uses;
      entry.calls++;
    },

    heard: (entry: Entry, headers: HeadersLike) => {
      entry.remainingRequests = countOf(headers.get("x-ratelimit-remaining-requests")) ?? entry.remainingRequests;
      entry.remainingTokens = countOf(headers.get("x-ratelimit-remaining-tokens")) ?? entry.remainingTokens;
    },

    succeeded: (entry: Entry) => void (entry.limitsInARow = 0),

    /** A rest lasts exactly as long as the provider says, and a later word never shortens it. */
    failed: (entry: Entry, verdict: KeyVerdict, now: number) => {
      entry.errors++;
      if (verdict.kind === "auth") entry.removed = "refused";
      if (verdict.kind === "quota") entry.removed = "out-of-quota";
      if (verdict.kind !== "rate-limit") return;
      const restMs = verdict.retryAfterMs ?? Math.min(maxMs, baseMs * 2 ** entry.limitsInARow);
      entry.rests++;
      entry.limitsInARow++;
      entry.restsUntil = Math.max(entry.restsUntil, now + restMs);
    },

    /** Undefined as long as a key is healthy. */
    whyNone: (now: number): NoKeyAvailableError | undefined => {
      const states = entries.map((entry) => state(entry, now));
      if (states.includes("healthy")) return undefined;
      if (states.includes("resting")) {
        const resting = entries.filter((entry) => state(entry, now) === "resting");
        return new NoKeyAvailableError("resting", Math.min(...resting.map(({ restsUntil }) => restsUntil)) - now);
      }
      return new NoKeyAvailableError(states.includes("out-of-quota") ? "out-of-quota" : "refused");
    },

    usage: (now: number): readonly KeyUsage[] =>
      entries.map((entry) => ({
        label: entry.key.label,
        state: state(entry, now),
        restMs: state(entry, now) === "resting" ? entry.restsUntil - now : 0,
        calls: entry.calls,
        errors: entry.errors,
        rests: entry.rests,
        inputTokens: entry.inputTokens,
        outputTokens: entry.outputTokens,
        costNanos: entry.costNanos,
        remainingRequests: entry.remainingRequests,
        remainingTokens: entry.remainingTokens,
      })),
  };
}

const FRESH = {
  removed: undefined,
  removedElsewhere: undefined,
  restsUntil: -Infinity,
  limitsInARow: 0,
  lastUse: 0,
  calls: 0,
  errors: 0,
  rests: 0,
  inputTokens: 0,
  outputTokens: 0,
  costNanos: undefined,
  remainingRequests: undefined,
  remainingTokens: undefined,
} as const;

const countOf = (text: string | null): number | undefined =>
  text !== null && /^\s*\d{1,15}\s*$/.test(text) ? Number(text) : undefined;
