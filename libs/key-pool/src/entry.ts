import { createLimit, type KeyLimit, remainingOf, restLeftMs } from "./key-limit.ts";

/** A provider's key and the name under which it is spoken of. */
export interface PoolKey {
  readonly label: string;
  readonly value: string;
}

export type RemovedAs = "out-of-quota" | "refused";

export type KeyState = "ready" | "resting" | RemovedAs;

/** One key's doings since the start. */
export interface KeyUsage {
  readonly label: string;
  /** A key that is out of quota or refused stays so until a call with it goes well; it is tried again every ten minutes. */
  readonly state: KeyState;
  /** How long it still rests; 0 when it does not. */
  readonly restMs: number;
  /** `group-1` and so on, by the first key of each; empty when it shares its limit with no other key, as far as known. */
  readonly limitGroup: string;
  readonly calls: number;
  readonly errors: number;
  /** How often it was at its limit, or was told that nothing is left. */
  readonly rests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Billionths of the price table's currency unit; undefined when no call had a price. */
  readonly costNanos: number | undefined;
  /** Requests left in the provider's window; undefined when it has not told. */
  readonly remainingRequests: number | undefined;
  readonly remainingTokens: number | undefined;
}

export interface Removal {
  readonly as: RemovedAs;
  /** When a call finds out whether that still holds. */
  readonly until: number;
  /** The last call sent before that was learned: if such a one goes well, it is no news. */
  readonly after: number;
}

/** A key as the pool sees it. It never leaves the pool. */
export interface Entry {
  readonly key: PoolKey;
  /** Its own, or that of its group. */
  limit: KeyLimit;
  removed: Removal | undefined;
  /** When a call with it last went well. */
  provedAt: number;
  /** The number of its last use, 0 before the first. */
  lastUse: number;
  /** Where it stands in the order of turns; keys with more room take shorter steps. */
  turn: number;
  /** Calls sent that the provider has not answered yet. */
  unheard: number;
  calls: number;
  errors: number;
  rests: number;
  inputTokens: number;
  outputTokens: number;
  costNanos: number | undefined;
}

/** One use of a key. */
export interface Call {
  readonly entry: Entry;
  /** From 1, over all keys. */
  readonly number: number;
  /** Whether the provider has answered. */
  heard: boolean;
  /** For how long nothing is left, as the reply was the first to say; 0 when it did not. */
  emptyMs: number;
}

export const createEntry = (key: PoolKey): Entry => ({
  key,
  limit: createLimit(),
  removed: undefined,
  provedAt: -Infinity,
  lastUse: 0,
  turn: 0,
  unheard: 0,
  calls: 0,
  errors: 0,
  rests: 0,
  inputTokens: 0,
  outputTokens: 0,
  costNanos: undefined,
});

/** On average, as far as known. */
export const tokensPerCall = ({ inputTokens, outputTokens, calls }: Entry): number =>
  (inputTokens + outputTokens) / Math.max(1, calls);

/** What may be told of it. */
export function usageOf(entry: Entry, limitGroup: string, now: number): KeyUsage {
  const { key, limit, removed, calls, errors, rests, inputTokens, outputTokens, costNanos } = entry;
  const restMs = removed === undefined ? restLeftMs(limit, now) : 0;
  return {
    label: key.label,
    state: removed?.as ?? (restMs > 0 ? "resting" : "ready"),
    restMs,
    limitGroup,
    calls,
    errors,
    rests,
    inputTokens,
    outputTokens,
    costNanos,
    remainingRequests: remainingOf(limit.requests, now),
    remainingTokens: remainingOf(limit.tokens, now),
  };
}
