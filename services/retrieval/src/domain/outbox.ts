import type { DocumentAttributes } from "./document.ts";
import type { CallOptions } from "./record-store.ts";

/** A passage as the keyword index keeps it: enough to search it, and to answer from while the record is down. */
export interface ProjectedPassage {
  /** The record's number for the passage: never used again. */
  readonly id: number;
  readonly ordinal: number;
  /** Code points into the document's stored text, end exclusive. */
  readonly startOffset: number;
  readonly endOffset: number;
  readonly text: string;
  /** The headings that stand above the passage and outside of it, outermost first. */
  readonly headings: readonly string[];
}

/** One document that changed, as it is now, however often it changed. Applying it twice is applying it once. */
export interface DocumentChange {
  readonly tenant: string;
  readonly documentId: string;
  /** Grows with each change of the document, also over its deletion and return: an older change never overwrites a newer. */
  readonly seq: number;
  /** Undefined when the document is deleted. */
  readonly current:
    | {
        readonly document: DocumentAttributes & { readonly version: number };
        readonly passages: readonly ProjectedPassage[];
      }
    | undefined;
  /** Passages that were there before and are not any longer. */
  readonly removedPassageIds: readonly number[];
}

/** Changes that one process works on while no other does. It ends with `complete` or `release`. */
export interface ChangeBatch {
  /** The indexes that these changes are to be written to: two while one is being built anew. Never empty. */
  readonly indexes: readonly string[];
  readonly changes: readonly DocumentChange[];
  /** To be called once searches see the changes: forgets them, and moves each collection's `projectedSeq`. */
  complete(options: CallOptions): Promise<void>;
  /** Leaves the changes for another attempt. */
  release(): Promise<void>;
}

/** Opaque; where the next page of `documents` starts. */
export type OutboxCursor = string & { readonly __cursor: "outbox" };

/** What the record holds for the keyword index where that is an engine of its own: changes are written in the transaction that makes them. */
export interface Outbox {
  /** The oldest changes of all tenants; none in it when there is nothing to do, undefined when another process holds the lease. */
  next(
    limits: { readonly maxDocuments: number; readonly maxTextBytes: number },
    options: CallOptions,
  ): Promise<ChangeBatch | undefined>;

  /** All documents of all tenants as changes, page by page, for an index that is built anew. */
  documents(
    query: { readonly after: OutboxCursor | undefined; readonly maxDocuments: number; readonly maxTextBytes: number },
    options: CallOptions,
  ): Promise<{ readonly changes: readonly DocumentChange[]; readonly next: OutboxCursor | undefined }>;

  documentCount(options: CallOptions): Promise<number>;

  /** The indexes that changes are written to. Those of a batch that is out do not change: the call waits for its end. */
  indexes(options: CallOptions): Promise<readonly string[]>;
  setIndexes(indexes: readonly string[], options: CallOptions): Promise<void>;

  /** Changes that wait, and since when the oldest does. */
  lag(options: CallOptions): Promise<{ readonly waitingCount: number; readonly oldestAgeMs: number }>;
}
