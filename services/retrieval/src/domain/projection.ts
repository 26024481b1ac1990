import type { Collection } from "./collection.ts";
import type { StoredPassage } from "./document.ts";
import type { DocumentChange } from "./outbox.ts";
import type { CallOptions } from "./record-store.ts";
import { StoreUnavailableError } from "./store-errors.ts";

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
export class ProjectionBusyError extends StoreUnavailableError {}

/** An index that should be there is not: somebody deleted it, or the engine lost its data. It has to be built anew. */
export class IndexMissingError extends StoreUnavailableError {}

/** A passage that the engine will never take as it is. It is in no index now, also not as it was before. */
export interface RefusedPassage {
  readonly tenant: string;
  readonly documentId: string;
  readonly passageId: number;
  /** The engine's name for what is wrong; no text of the passage. */
  readonly reason: string;
}

/** What became of changes that were written. */
export interface WriteResult {
  /** Passages that the changes hold, refused ones included. */
  readonly passageCount: number;
  readonly refused: readonly RefusedPassage[];
}

/** Writes the index. Every method may be repeated. */
export interface ProjectionWriter {
  /** Makes an empty index and gives its name. */
  create(options: CallOptions): Promise<string>;
  /**
   * Writes the changes to each index; none is seen before `refresh`. What an index has newer is left as it is.
   *
   * @throws {ProjectionBusyError} when the engine asks for less; {IndexMissingError} when one of the indexes is not there
   */
  write(indexes: readonly string[], changes: readonly DocumentChange[], options: CallOptions): Promise<WriteResult>;
  /** Lets searches see what was written. */
  refresh(indexes: readonly string[], options: CallOptions): Promise<void>;
  /** All indexes there are, served or not. */
  indexes(options: CallOptions): Promise<readonly string[]>;
  /** Documents with at least one passage that searches see in the index. */
  documentCount(index: string, options: CallOptions): Promise<number>;
  /** The index that searches are answered from; undefined before there is one. */
  serving(options: CallOptions): Promise<string | undefined>;
  /** Whether the index has today's fields and analysis. One that has not should be built anew. */
  isCurrent(index: string): boolean;
  /** Answers searches from that index, from one moment to the next. */
  serve(index: string, options: CallOptions): Promise<void>;
  /** Deletes an index that no search is answered from. */
  drop(index: string, options: CallOptions): Promise<void>;
}
