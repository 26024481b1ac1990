import { createHash } from "node:crypto";

/** Remembers which passages went by, in a few bytes each. */
export interface SeenPassages {
  /** Whether the passage is new; from then on it is not. */
  add(passage: { readonly documentId: string; readonly ordinal: number }): boolean;
}

/**
 * A set of 64 bits of each passage's hash, in one table that is at most half full: 16 to 32 bytes a passage, and at most 4 MiB for the 100,000 of the
 * longest stream. That two of them are taken for one, so that the second is left out, has a chance of 1 in 3 billion.
 */
export function createSeenPassages(): SeenPassages {
  let slots = new BigUint64Array(1024);
  let count = 0;

  const place = (table: BigUint64Array, hash: bigint): number => {
    let at = Number(hash % BigInt(table.length));
    while (table[at] !== 0n && table[at] !== hash) at = (at + 1) % table.length;
    return at;
  };

  const grow = () => {
    const larger = new BigUint64Array(slots.length * 2);
    for (const hash of slots) if (hash !== 0n) larger[place(larger, hash)] = hash;
    slots = larger;
  };

  return {
    add({ documentId, ordinal }) {
      const digest = createHash("sha256").update(`${ordinal} ${documentId}`, "utf8").digest();
      // 0 marks a free place.
      const hash = digest.readBigUInt64BE() || 1n;
      const at = place(slots, hash);
      if (slots[at] === hash) return false;
      slots[at] = hash;
      count += 1;
      if (2 * count > slots.length) grow();
      return true;
    },
  };
}
