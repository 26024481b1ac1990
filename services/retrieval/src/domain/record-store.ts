import type { Collection, CollectionState } from "./collection.ts";
import type { CutDocument, StoredDocument, StoredPassage } from "./document.ts";
import type { CountPage, CountQuery } from "./document-counts.ts";
import type { Filter } from "./filter.ts";

/** Every call ends soon after its signal is aborted, with the signal's reason. */
export interface CallOptions {
  readonly signal: AbortSignal;
  /** What the caller has left: the most that a server may work for it, should nobody be there to tell it to stop. Default: the store's own limit. */
  readonly timeoutMs?: number;
}

/** What became of one put. */
export type PutResult =
  | { readonly outcome: "created" | "replaced" | "unchanged"; readonly version: number }
  /** Nothing of it is stored; an earlier version stands. The error is for logs. */
  | { readonly outcome: "failed"; readonly version: number; readonly error: unknown };

export interface DocumentQuery {
  readonly filter: Filter | undefined;
  /** Only documents whose ID comes after this one, by code points. */
  readonly afterId: string | undefined;
  readonly limit: number;
  /** Whether the documents come with their text; then a page also ends before this many bytes of it, but has at least one document. */
  readonly maxTextBytes: number | undefined;
}

/** A page may be short or empty and still have a successor. */
export interface DocumentPage {
  readonly documents: readonly { readonly document: StoredDocument; readonly text: string | undefined }[];
  /** `afterId` of the next page; undefined when there is none. */
  readonly nextAfterId: string | undefined;
}

/**
 * The record: documents, their passages, and how often each collection changed. What has been acknowledged survives kill -9.
 * IDs, like all text, are given in NFC.
 */
export interface RecordStore {
  /**
   * Stores each document with its passages in one transaction, in the order given; one that fails does not stop the others. Replacing is
   * atomic: searches see the old passages or the new, and a passage whose content is unchanged keeps its vectors.
   */
  putDocuments(
    tenant: string,
    documents: readonly CutDocument[],
    options: CallOptions,
  ): Promise<{ readonly results: readonly PutResult[]; readonly collections: readonly CollectionState[] }>;

  /** What those that exist are, so that unchanged documents need no cutting. */
  versions(
    tenant: string,
    documentIds: readonly string[],
    options: CallOptions,
  ): Promise<ReadonlyMap<string, { readonly version: number; readonly contentHash: string }>>;

  /** Documents by ID. */
  listDocuments(tenant: string, query: DocumentQuery, options: CallOptions): Promise<DocumentPage>;

  /** How many documents there are of each value of a facet. */
  countDocuments(tenant: string, query: CountQuery, options: CallOptions): Promise<CountPage>;

  /** Deletes documents with all that hangs on them; gives how many there were. */
  deleteDocuments(tenant: string, documentIds: readonly string[], options: CallOptions): Promise<number>;

  /** All collections of the tenant, by name. */
  collections(tenant: string, options: CallOptions): Promise<readonly Collection[]>;

  /** The passages that still exist, by the ID that indexes report. */
  passages(
    tenant: string,
    passageIds: readonly number[],
    options: CallOptions,
  ): Promise<ReadonlyMap<number, StoredPassage>>;
}
