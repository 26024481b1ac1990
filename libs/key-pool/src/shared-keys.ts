import { createHash } from "node:crypto";
import { learnEmpty } from "./key-limit.ts";
import type { Entry } from "./entry.ts";
import { REMOVED_FOR_MS } from "./key-ring.ts";

/**
 * Port: signs that replicas set for each other and that go out by themselves. An implementation never throws and holds nobody up: where it
 * cannot tell, it says so within moments.
 */
export interface SharedMarks {
  /** Sets a mark, or makes it last longer; never shorter. */
  extend(name: string, durationMs: number): void;
  /** How long each mark still lasts, 0 where there is none; undefined when that cannot be told now. */
  remainingMs(names: readonly string[]): Promise<readonly number[] | undefined>;
}

export interface SharingOptions {
  readonly marks: SharedMarks;
  /** What the limits are for, as the provider's address and the model: the same key has others elsewhere. It is hashed with the key. */
  readonly scope: string;
}

/** What replicas tell each other about their keys. */
export interface SharedKeys {
  /**
   * Takes over what others have learned. To be waited for where something is returned: what is known here is too old. A pool that is in steady
   * use learns in the background, and never waits.
   */
  learn(): Promise<void> | undefined;
  /** Tells others what has just been learned about this key: for a rest and for nothing left, with its time. */
  tell(entry: Entry, kind: "rest" | "empty" | "quota" | "auth", ms?: number): void;
}

/** Within so long after a 429, another replica may still use the key. */
const STALE_MS = 500;
const LEARN_EVERY_MS = 250;
/** A window that is full again sooner is not worth a word. */
const LEAST_EMPTY_MS = 1_000;
const HASH_DIGITS = 32;

const names = (hash: string) => [`${hash}:rest`, `${hash}:empty`, `${hash}:out-of-quota`, `${hash}:refused`] as const;

/** Keys are named by the first 128 bits of a SHA-256, in hex: a provider's key is random, so that nobody finds it from there. */
export function createSharedKeys(
  { entries, lastCall }: { readonly entries: readonly Entry[]; lastCall(): number },
  { marks, scope }: SharingOptions,
  clock: { now(): number },
): SharedKeys {
  const startedAt = clock.now();
  const known = entries.map((entry) => {
    const hash = createHash("sha256")
      .update(JSON.stringify([scope, entry.key.value]))
      .digest("hex");
    return { entry, names: names(hash.slice(0, HASH_DIGITS)) };
  });
  const allNames = known.flatMap((each) => each.names);
  let learnedAt = -Infinity;
  let learning: Promise<void> | undefined;

  const takeOver = async (): Promise<void> => {
    const last = lastCall();
    const left = await marks.remainingMs(allNames);
    const now = clock.now();
    learnedAt = now;
    if (left === undefined) return;
    for (const [index, { entry, names }] of known.entries()) {
      const [restMs = 0, emptyMs = 0, quotaMs = 0, authMs = 0] = left.slice(names.length * index);
      entry.limit.restsUntil = Math.max(entry.limit.restsUntil, now + restMs);
      if (emptyMs > 0) learnEmpty(entry.limit, now + emptyMs, last, now);
      // What was found before this process started, or before a call with the key went well, may have been mended since.
      const since = now - Math.max(startedAt, entry.provedAt);
      const isNews = (leftMs: number) => leftMs > 0 && REMOVED_FOR_MS - leftMs < since;
      if (isNews(authMs)) entry.removed = { as: "refused", until: now + authMs, after: last };
      else if (isNews(quotaMs)) entry.removed = { as: "out-of-quota", until: now + quotaMs, after: last };
    }
  };

  const extend = (entry: Entry, kind: 0 | 1 | 2 | 3, ms: number) => {
    for (const each of known) if (each.entry === entry) marks.extend(each.names[kind], ms);
  };

  return {
    learn: () => {
      const age = clock.now() - learnedAt;
      if (age < LEARN_EVERY_MS) return undefined;
      learning ??= takeOver().finally(() => (learning = undefined));
      return age < STALE_MS ? undefined : learning;
    },
    tell: (entry, kind, ms = 0) => {
      if (kind === "quota") return extend(entry, 2, REMOVED_FOR_MS);
      if (kind === "auth") return extend(entry, 3, REMOVED_FOR_MS);
      if (kind === "empty" && ms < LEAST_EMPTY_MS) return;
      // Whoever shares the limit rests as well.
      for (const each of entries) if (each.limit === entry.limit) extend(each, kind === "rest" ? 0 : 1, ms);
    },
  };
}
