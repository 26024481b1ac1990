export interface RefusedContents {
  /** Whether it was refused in the space lately. */
  has(spaceId: string, contentHash: string): boolean;
  /** Whether the embedder of the space will refuse it whenever it is tried. */
  isForGood(spaceId: string, contentHash: string): boolean;
  add(spaceId: string, contentHash: string, refusal: Refusal): void;
  /** Somebody else remembers it from now on. */
  forget(spaceId: string, contentHash: string): void;
}

export interface Refusal {
  /** Whether the embedder took another text at the time: else it may be at fault itself, and nothing is for good. */
  readonly isEmbedderWell: boolean;
  /** Whether the reason lies in the text; a text that is refused for another reason is so for good the second time. */
  readonly isForGood: boolean;
}

/**
 * Remembers what could not be embedded, so that it is not tried with every poll but once in a while: a model or a limit may have
 * changed. Holds at most `maxEntries`; the oldest is forgotten first.
 */
export function createRefusedContents({
  retryAfterMs,
  maxEntries,
  now,
}: {
  readonly retryAfterMs: number;
  readonly maxEntries: number;
  readonly now: () => number;
}): RefusedContents {
  const until = new Map<string, number>();
  const forGood = new Set<string>();
  const forget = (key: string) => {
    forGood.delete(key);
    return until.delete(key);
  };
  const keyOf = (spaceId: string, contentHash: string) => `${spaceId} ${contentHash}`;
  return {
    // What is tried again stays known, so that a second refusal is told from a first.
    has: (spaceId, contentHash) => now() < (until.get(keyOf(spaceId, contentHash)) ?? 0),
    isForGood: (spaceId, contentHash) => forGood.has(keyOf(spaceId, contentHash)),
    add(spaceId, contentHash, { isEmbedderWell, isForGood }) {
      const key = keyOf(spaceId, contentHash);
      const isSecond = forget(key);
      if (isEmbedderWell && (isForGood || isSecond)) forGood.add(key);
      until.set(key, now() + retryAfterMs);
      if (until.size > maxEntries) forget(until.keys().next().value!);
    },
    forget: (spaceId, contentHash) => void forget(keyOf(spaceId, contentHash)),
  };
}
