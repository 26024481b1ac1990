import { createHash } from "node:crypto";
import type { Entry } from "./key-ring.ts";

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
  /** Takes over what others have learned, unless that was done within the last half second. */
  learn(): Promise<void>;
  /** Tells others what has just been learned about this key. */
  tell(entry: Entry, kind: "rest" | "quota" | "auth", now: number): void;
}

/** Within so long after a 429, another replica may still use the key. */
const LEARN_EVERY_MS = 500;
/**
 * A key that one replica found dead is left alone by the others for so long; then one of them finds out for itself. The finder does not use it
 * again before its own restart.
 */
const REMOVED_FOR_MS = 600_000;
const HASH_DIGITS = 32;

const names = (hash: string) => [`${hash}:rest`, `${hash}:out-of-quota`, `${hash}:refused`] as const;

/** Keys are named by the first 128 bits of a SHA-256, in hex: a provider's key is random, so that nobody finds it from there. */
export function createSharedKeys(
  entries: readonly Entry[],
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
  let learnedAt = -Infinity;
  let learning: Promise<void> | undefined;

  const takeOver = async (): Promise<void> => {
    const left = await marks.remainingMs(known.flatMap((each) => each.names));
    const now = clock.now();
    learnedAt = now;
    if (left === undefined) return;
    for (const [index, { entry }] of known.entries()) {
      const [restMs = 0, quotaMs = 0, authMs = 0] = left.slice(3 * index, 3 * index + 3);
      entry.restsUntil = Math.max(entry.restsUntil, now + restMs);
      // What was found before this process started may have been mended since, and a restart is how one says so.
      const isNews = (leftMs: number) => leftMs > 0 && REMOVED_FOR_MS - leftMs < now - startedAt;
      if (isNews(authMs)) entry.removedElsewhere = { as: "refused", until: now + authMs };
      else if (isNews(quotaMs)) entry.removedElsewhere = { as: "out-of-quota", until: now + quotaMs };
      else entry.removedElsewhere = undefined;
    }
  };

  return {
    learn: async () => {
      if (clock.now() - learnedAt < LEARN_EVERY_MS) return;
      learning ??= takeOver().finally(() => (learning = undefined));
      await learning;
    },
    tell: (entry, kind, now) => {
      const { names } = known.find((each) => each.entry === entry)!;
      if (kind === "rest") marks.extend(names[0], entry.restsUntil - now);
      if (kind === "quota") marks.extend(names[1], REMOVED_FOR_MS);
      if (kind === "auth") marks.extend(names[2], REMOVED_FOR_MS);
    },
  };
}
