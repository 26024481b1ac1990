import type { Filter } from "./filter.ts";
import type { Graph } from "./graph.ts";
import type { LegResult } from "./keyword-index.ts";
import type { RankingPart } from "./place.ts";
import type { CallOptions } from "./record-store.ts";

export interface GraphQuery extends RankingPart {
  readonly text: string;
  /** The collections to search, by name. */
  readonly collections: readonly string[];
  /** Applied before the best are chosen, as in `KeywordQuery`. */
  readonly filter: Filter | undefined;
  readonly limit: number;
}

/** How a tenant's graph stands after it was changed. */
export interface GraphChange {
  /** Entities, relations and mentions that are new or replaced. */
  readonly changedCount: number;
  /** Documents that are still to be looked through for names that came since they were. */
  readonly waitingDocumentCount: number;
}

/**
 * The graph of a tenant: entities by their names, relations between them, and which passages mention them. It finds passages by what they mention:
 * the entities that a text names, and those linked to them.
 *
 * Mentions are found by name (see graph-names.ts) in what a passage is indexed by: when its document is put, in the same transaction; and of names
 * that come later afterwards, document by document, beside the requests. They go with their passage. Mentions that were given count for the
 * passages that overlap their span, without one for the first passage of their document; they stay when the document goes.
 */
export interface GraphIndex {
  /** Hits carry the path on which they were found; scores are above 0 and comparable within the result. */
  search(tenant: string, query: GraphQuery, options: CallOptions): Promise<LegResult>;

  /**
   * Whether the tenant has any entity. Asked before each search that would ask a graph by default, so it answers from memory where it can, at
   * most seconds late; where the store cannot be asked, as last known, and false if never. Rejects only when the signal is aborted.
   */
  hasEntities(tenant: string, options: CallOptions): Promise<boolean>;

  /** Grows with each change of what searches may find, but for changes of documents, which their collections count; 0 without a graph. */
  version(tenant: string, options: CallOptions): Promise<number>;

  /**
   * Merges a graph that went through `toGraph`, all or nothing. Merging it again changes nothing.
   *
   * @throws {GraphError} for an entity that is neither known nor in the graph
   */
  put(tenant: string, graph: Graph, options: CallOptions): Promise<GraphChange>;

  /** Deletes entities with their relations and mentions, all or none; gives how many there were. */
  deleteEntities(tenant: string, entityIds: readonly string[], options: CallOptions): Promise<number>;
}
