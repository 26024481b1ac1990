import type { Collection } from "./collection.ts";
import type { StoredPassage } from "./document.ts";
import type { DocumentChange } from "./outbox.ts";
import type { CallOptions } from "./record-store.ts";

/** What a keyword index that is an engine of its own knows of the record: answers in its place while it is down, perhaps not of today. */
export interface Projection {
  /** The collections with documents in the index; their sequences are 0 and their spaces unknown. */
  collections(tenant: string, options: CallOptions): Promise<readonly Collection[]>;

  /** The passages that the index holds, by the ID that it reports. */
  passages(
    tenant: string,
    passageIds: readonly number[],
    options: CallOptions,
  ): Promise<ReadonlyMap<number, StoredPassage>>;
}

/** The engine is at its limit: the same changes are to be written again, later. */
export class ProjectionBusyError extends Error {}

/** Writes the index. Every method may be repeated. */
export interface ProjectionWriter {
  /** Makes an empty index and gives its name. */
  create(options: CallOptions): Promise<string>;
  /** Writes the changes to each index; none is seen before `refresh`. Throws ProjectionBusyError. */
  write(indexes: readonly string[], changes: readonly DocumentChange[], options: CallOptions): Promise<void>;
  /** Lets searches see what was written. */
  refresh(indexes: readonly string[], options: CallOptions): Promise<void>;
  /** The index that searches are answered from; undefined before there is one. */
  serving(options: CallOptions): Promise<string | undefined>;
  /** Answers searches from that index, from one moment to the next. */
  serve(index: string, options: CallOptions): Promise<void>;
  /** Deletes an index that no search is answered from. */
  drop(index: string, options: CallOptions): Promise<void>;
}
