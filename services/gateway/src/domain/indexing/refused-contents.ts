export interface RefusedContents {
  has(contentHash: string): boolean;
  add(contentHash: string): void;
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
  return {
    has(contentHash) {
      const end = until.get(contentHash);
      if (end === undefined) return false;
      if (now() < end) return true;
      until.delete(contentHash);
      return false;
    },
    add(contentHash) {
      until.delete(contentHash);
      until.set(contentHash, now() + retryAfterMs);
      if (until.size > maxEntries) until.delete(until.keys().next().value!);
    },
  };
}
