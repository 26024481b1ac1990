/**
 * What one who puts documents knows of each: the last version that was acknowledged, and any that was sent since and may or may not have been
 * stored. Versions begin at 1; 0 is the document before its first.
 */
export interface PutLedger {
  /** A version is about to be sent. */
  begin(document: number, version: number): void;
  acknowledge(document: number, version: number): void;
  /** Whether the document may have that version now that nothing is under way. */
  allows(document: number, version: number): boolean;
  /** The documents that were acknowledged at least once. */
  readonly documents: readonly number[];
}

export function createPutLedger(): PutLedger {
  const acknowledged = new Map<number, number>();
  const possible = new Map<number, Set<number>>();
  return {
    begin(document, version) {
      const versions = possible.get(document) ?? new Set([acknowledged.get(document) ?? 0]);
      possible.set(document, versions.add(version));
    },
    acknowledge(document, version) {
      acknowledged.set(document, version);
      possible.set(document, new Set([version]));
    },
    allows: (document, version) => possible.get(document)?.has(version) ?? false,
    get documents() {
      return [...acknowledged.keys()];
    },
  };
}
