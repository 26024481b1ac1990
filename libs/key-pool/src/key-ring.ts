import type { HeadersLike, KeyVerdict } from "./http-verdict.ts";
import { goWell, hear, rest, RESTING, returnsAt, roomOf, send, STALE, standingOf, TAKEN } from "./key-limit.ts";
import { type Call, createEntry, type Entry, type KeyUsage, type PoolKey, tokensPerCall, usageOf } from "./entry.ts";
import { createLimitGroups } from "./limit-groups.ts";
import { NoKeyAvailableError } from "./no-key-available-error.ts";
import { limitOwnerOf, quotaOf } from "./quota-headers.ts";
import { TRIAL_MS } from "./trial.ts";

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
      send(entry.limit, uses, now);
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

    /** Undefined as long as a key can be used, other than these. */
    blocked: (now: number, except?: ReadonlySet<Entry>): Blocked | undefined => {
      let first = Infinity;
      let isTaken = false;
      for (const entry of entries) {
        if (except?.has(entry)) continue;
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

    usage: (now: number): readonly KeyUsage[] => {
      const labels = groups.labels();
      return entries.map((entry) => usageOf(entry, labels.get(entry.limit) ?? "", now));
    },
  };
}

const isBefore = (one: Entry, other: Entry): boolean =>
  one.turn < other.turn || (one.turn === other.turn && one.lastUse < other.lastUse);
