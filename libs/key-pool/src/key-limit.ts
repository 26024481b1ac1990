import { LONGEST_REST_MS } from "./http-verdict.ts";
import type { QuotaNews } from "./quota-headers.ts";
import { admits, passTrial, sendOnTrial, startTrial, type Trial } from "./trial.ts";

/** What is left of one window, as the provider told it last. */
interface Quota {
  remaining: number;
  readonly limit: number | undefined;
  /** When the window is full again. */
  resetsAt: number;
  /** The call whose reply told it. */
  readonly toldBy: number;
  /** With nothing left: when that was told, or a call found out whether it still holds. */
  askedAt: number;
}

/**
 * One limit of the provider, as far as it is known: that of a key, or of keys that share it.
 *
 *     free ──429──▶ resting ──its end──▶ tried by one call ──went well──▶ counted ──many went well──▶ free
 *                      ▲                         │                           │
 *                      └───────────429───────────┴────────────429────────────┘
 *
 * - resting: no call, exactly as long as told; a later 429 only lengthens it.
 * - counted: as many calls as went well before the last 429, at once as many as went well since, and one; beyond them one at a time, and
 *   slowly more while they go well.
 *   So a limit that the provider does not tell costs one 429 a window, however many callers there are.
 *
 * Beside that, what the provider tells to be left: no more calls at once than that, and with nothing left none until the window is full again.
 */
export interface KeyLimit {
  restsUntil: number;
  /** Rests since the last call that went well, for providers that do not say how long. */
  restsInARow: number;
  /** The last call sent before the present rest was learned of: 429s of such calls are no news. */
  restedAfter: number;
  trial: Trial | undefined;
  requests: Quota | undefined;
  tokens: Quota | undefined;
  /** The call that was to find out whether still nothing is left. */
  askedBy: number;
  /** It was let in, and its reply said again that nothing is left. Until the next 429 that only makes other keys better. */
  isDoubted: boolean;
  /** Another replica was told that nothing is left. */
  emptyUntil: number;
  /** Of what another replica was told, this is known not to hold any more. */
  emptyDisproved: number;
  /** Calls sent that the provider has not answered yet. */
  unheard: number;
  /** Calls that went well in this minute and in the one before. */
  minute: { startedAt: number; wentWell: number; before: number };
}

export const createLimit = (): KeyLimit => ({
  restsUntil: -Infinity,
  restsInARow: 0,
  restedAfter: 0,
  trial: undefined,
  requests: undefined,
  tokens: undefined,
  askedBy: 0,
  isDoubted: false,
  emptyUntil: -Infinity,
  emptyDisproved: -Infinity,
  unheard: 0,
  minute: { startedAt: -Infinity, wentWell: 0, before: 0 },
});

/** From best to worst; up to `STALE` a call may go. */
export const OPEN = 0;
/** The tokens left may not be enough for one more call. */
export const SHORT = 1;
/** Nothing was left, but that was told a while ago. */
export const STALE = 2;
/** Only after a call that is under way was answered. */
export const TAKEN = 3;
/** Not before `returnsAt`. */
export const RESTING = 4;

export type Standing = typeof OPEN | typeof SHORT | typeof STALE | typeof TAKEN | typeof RESTING;

/**
 * A window that is full again in hours may let a call in long before. So while no other key has anything left, one call in so long finds out;
 * a 429 then says exactly how long to rest.
 */
const EMPTY_BELIEVED_MS = 60_000;
const MINUTE_MS = 60_000;
/** Where the provider does not say when. */
const RESET_MS = 1_000;

export function standingOf(limit: KeyLimit, now: number, tokensPerCall: number): Standing {
  if (limit.restsUntil > now) return RESTING;
  const { requests, tokens, trial } = limit;
  const empty = emptyAt(limit, now);
  if (empty !== undefined && !limit.isDoubted) {
    if (empty.askedAt + EMPTY_BELIEVED_MS > now) return RESTING;
    return limit.unheard > 0 ? TAKEN : STALE;
  }
  if (trial !== undefined && !admits(trial, limit.unheard, now)) return TAKEN;
  if (empty !== undefined) return SHORT;
  if (requests !== undefined && requests.resetsAt > now && requests.remaining <= limit.unheard) return TAKEN;
  if (tokens !== undefined && tokens.resetsAt > now && tokens.remaining < tokensPerCall * (limit.unheard + 1)) {
    return SHORT;
  }
  return OPEN;
}

function emptyAt({ requests, tokens }: KeyLimit, now: number): Quota | undefined {
  if (requests?.remaining === 0 && requests.resetsAt > now) return requests;
  if (tokens?.remaining === 0 && tokens.resetsAt > now) return tokens;
  return undefined;
}

/** When a limit that stands at RESTING is worth a call again. */
export function returnsAt(limit: KeyLimit, now: number): number {
  if (limit.restsUntil > now) return limit.restsUntil;
  const empty = emptyAt(limit, now);
  return empty === undefined ? now : Math.min(empty.resetsAt, empty.askedAt + EMPTY_BELIEVED_MS);
}

/** How long the limit rests by the provider's words, though with nothing else left a call may find out before whether that holds; 0 when it does not. */
export function restLeftMs(limit: KeyLimit, now: number): number {
  if (limit.restsUntil > now) return limit.restsUntil - now;
  if (limit.isDoubted) return 0;
  return Math.max(0, (emptyAt(limit, now)?.resetsAt ?? now) - now);
}

/** How many more calls the provider's words leave room for; undefined when it does not tell. */
export function roomOf({ requests, tokens, unheard }: KeyLimit, now: number, tokensPerCall: number) {
  let room: number | undefined;
  if (requests !== undefined && requests.resetsAt > now) room = requests.remaining - unheard;
  if (tokens !== undefined && tokens.resetsAt > now && tokensPerCall > 0) {
    const calls = tokens.remaining / tokensPerCall - unheard;
    room = room === undefined ? calls : Math.min(room, calls);
  }
  return room;
}

/** What remains, as far as it is known at this moment. */
export function remainingOf(quota: Quota | undefined, now: number): number | undefined {
  return quota === undefined || quota.resetsAt > now ? quota?.remaining : quota.limit;
}

/** A call goes out. */
export function send(limit: KeyLimit, call: number, now: number): void {
  const { trial } = limit;
  if (trial !== undefined) sendOnTrial(trial, limit.unheard, now);
  const empty = emptyAt(limit, now);
  if (empty !== undefined) {
    limit.askedBy = call;
    empty.askedAt = now;
  }
  limit.unheard++;
}

/** A call was let in. */
export function goWell(limit: KeyLimit, call: number, now: number): void {
  const { minute, trial } = limit;
  if (call <= limit.restedAfter) {
    // It was under way when another met the limit.
    if (trial !== undefined) trial.known++;
    return;
  }
  limit.restsInARow = 0;
  if (call === limit.askedBy && emptyAt(limit, now) !== undefined) limit.isDoubted = true;
  if (now - minute.startedAt >= MINUTE_MS) {
    minute.before = now - minute.startedAt < 2 * MINUTE_MS ? minute.wentWell : 0;
    minute.startedAt = now;
    minute.wentWell = 0;
  }
  minute.wentWell++;
  if (trial !== undefined && passTrial(trial)) limit.trial = undefined;
}

/**
 * The call met its limit. Where nobody says how long to rest, it is `baseMs`, and twice as long each time in a row, at most `maxMs`. Returns
 * whether that is news: calls that were under way meanwhile only lengthen the rest.
 */
export function rest(
  limit: KeyLimit,
  call: { readonly number: number; readonly last: number },
  { restMs, baseMs, maxMs }: { readonly restMs: number | undefined; readonly baseMs: number; readonly maxMs: number },
  now: number,
): boolean {
  const isNews = call.number > limit.restedAfter;
  const inARow = isNews ? limit.restsInARow : Math.max(0, limit.restsInARow - 1);
  const lasting = restMs ?? Math.min(maxMs, baseMs * 2 ** inARow);
  limit.restsUntil = Math.max(limit.restsUntil, now + Math.min(LONGEST_REST_MS, lasting));
  // This is the better word on when to return: a window that is full again in hours may let a call in long before.
  for (const quota of [limit.requests, limit.tokens]) {
    if (quota?.remaining === 0) quota.resetsAt = Math.min(quota.resetsAt, limit.restsUntil);
  }
  limit.isDoubted = false;
  if (!isNews) return false;
  const { minute } = limit;
  const known = Math.max(minute.wentWell, now - minute.startedAt < 2 * MINUTE_MS ? minute.before : 0);
  limit.trial = startTrial(known, limit.trial);
  limit.minute = { startedAt: now, wentWell: 0, before: 0 };
  limit.restsInARow++;
  limit.restedAfter = call.last;
  return true;
}

/** Takes in what a reply says of one window. Returns for how long nothing is left, where that is news; else 0. */
export function hear(
  limit: KeyLimit,
  kind: "requests" | "tokens",
  { remaining, limit: full, resetMs }: QuotaNews,
  call: number,
  now: number,
): number {
  const known = limit[kind];
  // That nothing is left, without a word on until when, is of no use.
  const resetsAt = now + Math.min(LONGEST_REST_MS, resetMs ?? (remaining > 0 ? RESET_MS : 0));
  if (known !== undefined && call <= known.toldBy) {
    // Replies overtake each other. An older one is news only where less is left of the same window.
    if (remaining >= known.remaining || Math.abs(resetsAt - known.resetsAt) >= RESET_MS) return 0;
    known.remaining = remaining;
    return remaining === 0 ? known.resetsAt - now : 0;
  }
  limit[kind] = { remaining, limit: full, resetsAt, toldBy: call, askedAt: now };
  if (remaining > 0) {
    limit.emptyDisproved = Math.max(limit.emptyDisproved, limit.emptyUntil);
    return 0;
  }
  return limit.isDoubted || (known?.remaining === 0 && known.resetsAt > now) ? 0 : resetsAt - now;
}

/** Another replica was told that nothing is left until then; `last` is the last call sent here before that was learned. */
export function learnEmpty(limit: KeyLimit, until: number, last: number, now: number): void {
  if (limit.isDoubted) return;
  // The time that is left comes over the network, and so never twice as exactly the same moment.
  if (until <= now || until <= limit.emptyDisproved + RESET_MS || until <= limit.emptyUntil + RESET_MS) return;
  limit.emptyUntil = until;
  const { requests } = limit;
  if (requests !== undefined && requests.remaining === 0 && requests.resetsAt >= until) return;
  limit.requests = {
    remaining: 0,
    limit: requests?.limit,
    resetsAt: until,
    toldBy: last,
    askedAt: now,
  };
}

/** Two keys turn out to share a limit. Calls under way on either count for both. */
export function mergeLimits(one: KeyLimit, other: KeyLimit): KeyLimit {
  const later = (a: Quota | undefined, b: Quota | undefined) => ((a?.toldBy ?? -1) >= (b?.toldBy ?? -1) ? a : b);
  return {
    restsUntil: Math.max(one.restsUntil, other.restsUntil),
    restsInARow: Math.max(one.restsInARow, other.restsInARow),
    restedAfter: Math.max(one.restedAfter, other.restedAfter),
    trial: one.trial ?? other.trial,
    requests: later(one.requests, other.requests),
    tokens: later(one.tokens, other.tokens),
    askedBy: Math.max(one.askedBy, other.askedBy),
    isDoubted: one.isDoubted || other.isDoubted,
    emptyUntil: Math.max(one.emptyUntil, other.emptyUntil),
    emptyDisproved: Math.max(one.emptyDisproved, other.emptyDisproved),
    unheard: one.unheard + other.unheard,
    minute: one.minute.wentWell >= other.minute.wentWell ? one.minute : other.minute,
  };
}
