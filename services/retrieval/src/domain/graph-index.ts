import type { Filter } from "./filter.ts";
import type { LegResult } from "./keyword-index.ts";
import type { CallOptions } from "./record-store.ts";

export interface GraphQuery {
  readonly text: string;
  /** The collections to search, by name. */
  readonly collections: readonly string[];
  /** Applied before the best are chosen, as in `KeywordQuery`. */
  readonly filter: Filter | undefined;
  readonly limit: number;
}

/** Finds passages by what they mention: the entities that a text names, and those linked to them. */
export interface GraphIndex {
  /** Hits carry the path on which they were found; scores are above 0 and comparable within the result. */
  search(tenant: string, query: GraphQuery, options: CallOptions): Promise<LegResult>;

  /**
   * Whether the tenant has any entity. Asked before each search that would ask a graph by default, so it answers from memory where it can, at
   * most seconds late; where the store cannot be asked, as last known, and false if never. Rejects only when the signal is aborted.
   */
  hasEntities(tenant: string, options: CallOptions): Promise<boolean>;
}
