import type { HeadersLike, KeyVerdict } from "./http-verdict.ts";
import {
  createLimit,
  goWell,
  hear,
  type KeyLimit,
  remainingOf,
  rest,
  RESTING,
  returnsAt,
  roomOf,
  send,
  STALE,
  standingOf,
  TAKEN,
  toldRestMs,
} from "./key-limit.ts";
import { createLimitGroups } from "./limit-groups.ts";
import { NoKeyAvailableError } from "./no-key-available-error.ts";
import { limitOwnerOf, quotaOf } from "./quota-headers.ts";
import { TRIAL_MS } from "./trial.ts";

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

export interface RingOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  /** Told when a provider says that nothing is left of a key's limit, and for how long. */
  readonly onEmpty?: ((entry: Entry, ms: number) => void) | undefined;
}

/** Why no key can be used now. */
export interface Blocked {
  /** What a caller is told who does not wait; with the time until a key returns, where one does. */
  readonly error: NoKeyAvailableError;
  /** Whether a key may be usable as soon as a call under way was answered. */
  readonly isTaken: boolean;
}

/**
 * A key that was found dead is left alone for so long; then one call finds out whether it still is, as after credit was added. It costs its
 * caller a moment, and no error.
 */
export const REMOVED_FOR_MS = 600_000;
/** However little is left of a key, it keeps this share of another's turns, so that it is known what is left of it. */
const LONGEST_STEP = 64;
const DEAD = RESTING + 1;

export type KeyRing = ReturnType<typeof createKeyRing>;

/** The keys and their states; which one is next, and what replies do to it. */
export function createKeyRing(keys: readonly PoolKey[], { baseMs, maxMs, onEmpty }: RingOptions) {
  const entries = keys.map(createEntry);
  const groups = createLimitGroups(entries);
  let uses = 0;
  /** The turn that was had last. */
  let current = 0;
  /** The most room that a key had at the last choice. */
  let mostRoom = 0;

  const standing = (entry: Entry, now: number): number => {
    const { removed } = entry;
    if (removed !== undefined && (removed.until > now || entry.unheard > 0)) return DEAD;
    return standingOf(entry.limit, now, tokensPerCall(entry));
  };

  const answered = (call: Call) => {
    if (call.heard) return;
    call.heard = true;
    call.entry.unheard--;
    call.entry.limit.unheard--;
  };

  return {
    entries,
    lastCall: () => uses,

    /** The key whose turn it is, of those with the most to give; one that was not yet `tried`, when there is one. Undefined when none can be used now. */
    next: (now: number, tried: ReadonlySet<Entry> | undefined): Entry | undefined => {
      let best: Entry | undefined;
      let bestRank = 0;
      mostRoom = 0;
      for (const entry of entries) {
        const how = standing(entry, now);
        if (how > STALE) continue;
        const room = roomOf(entry.limit, now, tokensPerCall(entry));
        if (room !== undefined && room > mostRoom) mostRoom = room;
        const rank = tried?.has(entry) ? how + DEAD : how;
        if (best !== undefined && (rank > bestRank || (rank === bestRank && !isBefore(entry, best)))) continue;
        best = entry;
        bestRank = rank;
      }
      return best;
    },

    use: (entry: Entry, now: number): Call => {
      const room = roomOf(entry.limit, now, tokensPerCall(entry));
      const step = room === undefined ? 1 : Math.min(LONGEST_STEP, Math.max(1, mostRoom / Math.max(1, room)));
      current = Math.max(current, entry.turn);
      entry.turn = current + step;
      entry.lastUse = ++uses;
      entry.calls++;
      entry.unheard++;
      send(entry.limit, now);
      return { entry, number: uses, heard: false, emptyMs: 0 };
    },

    heard: (call: Call, headers: HeadersLike, now: number): void => {
      const { entry, number } = call;
      answered(call);
      const owner = limitOwnerOf(headers);
      if (owner !== undefined) groups.heard(entry, owner);
      const requests = quotaOf(headers, "requests");
      const tokens = quotaOf(headers, "tokens");
      if (requests === undefined && tokens === undefined) return;
      if (requests !== undefined) call.emptyMs = hear(entry.limit, "requests", requests, number, now);
      if (tokens !== undefined) call.emptyMs = Math.max(call.emptyMs, hear(entry.limit, "tokens", tokens, number, now));
    },

    /** The call ended without a word of the provider. */
    left: answered,

    wentWell: (call: Call, now: number): void => {
      answered(call);
      const { entry } = call;
      if (entry.removed === undefined || call.number > entry.removed.after) {
        entry.removed = undefined;
        entry.provedAt = now;
      }
      groups.letIn(call, now);
      goWell(entry.limit, call.number, now);
      if (call.emptyMs === 0) return;
      entry.rests++;
      onEmpty?.(entry, call.emptyMs);
    },

    failed: (call: Call, verdict: KeyVerdict, now: number): void => {
      answered(call);
      const { entry, number } = call;
      entry.errors++;
      if (verdict.kind === "auth" || verdict.kind === "quota") {
        const as = verdict.kind === "auth" ? "refused" : "out-of-quota";
        entry.removed = { as, until: now + REMOVED_FOR_MS, after: uses };
      }
      if (verdict.kind !== "rate-limit") return;
      groups.limited(call, now);
      const words = { restMs: verdict.retryAfterMs, baseMs, maxMs };
      if (rest(entry.limit, { number, last: uses }, words, now)) entry.rests++;
    },

    /** Undefined as long as a key can be used. */
    blocked: (now: number): Blocked | undefined => {
      let first = Infinity;
      let isTaken = false;
      for (const entry of entries) {
        const how = standing(entry, now);
        if (how <= STALE) return undefined;
        if (how === TAKEN) isTaken = true;
        if (how === RESTING) first = Math.min(first, returnsAt(entry.limit, now));
      }
      if (isTaken) return { error: new NoKeyAvailableError("resting", TRIAL_MS), isTaken };
      if (first < Infinity) return { error: new NoKeyAvailableError("resting", first - now), isTaken };
      const isSpent = entries.some(({ removed }) => removed?.as === "out-of-quota");
      return { error: new NoKeyAvailableError(isSpent ? "out-of-quota" : "refused"), isTaken };
    },

    usage: (now: number): readonly KeyUsage[] => entries.map((entry) => usageOf(entry, groups.labelOf(entry), now)),
  };
}

const createEntry = (key: PoolKey): Entry => ({
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

const isBefore = (one: Entry, other: Entry): boolean =>
  one.turn < other.turn || (one.turn === other.turn && one.lastUse < other.lastUse);

const tokensPerCall = ({ inputTokens, outputTokens, calls }: Entry): number =>
  (inputTokens + outputTokens) / Math.max(1, calls);

function usageOf(entry: Entry, limitGroup: string, now: number): KeyUsage {
  const { key, limit, removed, calls, errors, rests, inputTokens, outputTokens, costNanos } = entry;
  const restMs = removed === undefined ? toldRestMs(limit, now) : 0;
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
