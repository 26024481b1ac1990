import type { Filter } from "./filter.ts";
import type { RankingPart } from "./place.ts";
import type { CallOptions } from "./record-store.ts";

/** A passage that one leg found. */
export interface Hit {
  /** The record's number for the passage: never used again, meaningless outside. */
  readonly passageId: number;
  readonly documentId: string;
  readonly ordinal: number;
  /** The leg's own score: BM25, cosine. Comparable within the leg. */
  readonly score: number;
  /** Of a graph: how it was found, as `name`, `relation`, `name`, ... */
  readonly path?: readonly string[];
}

/** What a leg found, best first; ties by document ID, then ordinal. */
export interface LegResult {
  readonly hits: readonly Hit[];
  /** Set when something is missing from it, as when a part of an index did not answer. */
  readonly partial?: PartialReason;
  /** Set when better ones may have been passed over, as by an approximate index. Never of a part of a ranking. */
  readonly approximate?: true;
}

/** Reasons of the contract's registry that leave a leg's result usable. */
export type PartialReason =
  | "UPSTREAM_FAILED"
  | "PARTIAL_SHARDS"
  | "EMBEDDING_SPACE_MISMATCH"
  | "VECTORS_PENDING"
  | "OUT_OF_TIME"
  | "MAY_BE_STALE";

export interface KeywordQuery extends RankingPart {
  readonly text: string;
  /** The collections to search, by name. */
  readonly collections: readonly string[];
  /** Applied before the best are chosen, so that a narrow filter still gives `limit` hits where there are as many. */
  readonly filter: Filter | undefined;
  readonly limit: number;
}

/** Finds passages by their words. Scores are BM25 (see bm25.ts) with the statistics of the whole tenant. */
export interface KeywordIndex {
  search(tenant: string, query: KeywordQuery, options: CallOptions): Promise<LegResult>;
}
