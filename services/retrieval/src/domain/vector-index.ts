import type { Collection, EmbeddingSpace } from "./collection.ts";
import type { Filter } from "./filter.ts";
import type { LegResult } from "./keyword-index.ts";
import type { RankingPart } from "./place.ts";
import type { CallOptions } from "./record-store.ts";
import type { EncodedVector } from "./vector.ts";

export interface VectorQuery extends RankingPart {
  readonly vector: EncodedVector;
  readonly spaceId: string;
  /** The collections to search, by name; all have the space as their active one. */
  readonly collections: readonly string[];
  /** Applied before the best are chosen, as in `KeywordQuery`. */
  readonly filter: Filter | undefined;
  readonly limit: number;
}

export interface PassageVectorsQuery {
  readonly spaceId: string;
  /** The collections that the passages are in, by name; all have the space as their active one. */
  readonly collections: readonly string[];
  readonly passageIds: readonly number[];
}

export interface MissingVectorsQuery {
  readonly collection: string;
  readonly spaceId: string;
  /** Only passages of these documents; of any if empty. */
  readonly documentIds: readonly string[];
  /** Only passages after this one, as an earlier page reported. */
  readonly afterPassageId: number;
  readonly limit: number;
}

/** What one vector is to be made from; equal contents come once. */
export interface MissingVectorsPage {
  readonly contents: readonly { readonly contentHash: string; readonly text: string }[];
  /** `afterPassageId` of the next page; undefined when there is none. */
  readonly nextAfterPassageId: number | undefined;
}

export type PutVectorsResult =
  /** How many passages got a vector. */
  | { readonly kind: "stored"; readonly count: number }
  /** The space is known with other dimensions or of another kind. */
  | { readonly kind: "mismatch" };

export type ActivateResult =
  | { readonly kind: "active"; readonly collection: Collection }
  | { readonly kind: "incomplete"; readonly missingCount: number }
  | { readonly kind: "not-building" }
  | { readonly kind: "unknown-collection" };

/** Keeps vectors of passages, by space, and finds the nearest. A collection has one active space and at most one being built. */
export interface VectorIndex {
  /** The passages with the greatest cosine. What lacks a vector is not found. */
  search(tenant: string, query: VectorQuery, options: CallOptions): Promise<LegResult>;

  /** The directions of passages' vectors: their lengths mean nothing. A passage that has none, or is in none of the collections, is left out. */
  vectorsOf(
    tenant: string,
    query: PassageVectorsQuery,
    options: CallOptions,
  ): Promise<ReadonlyMap<number, Float32Array>>;

  missing(tenant: string, query: MissingVectorsQuery, options: CallOptions): Promise<MissingVectorsPage>;

  /**
   * Gives each vector to the passages of the collection that still have its content, durably; vectors of content that is no longer there are
   * dropped. The first space of a collection becomes active; a later one the one being built, in place of an unfinished other.
   */
  put(
    tenant: string,
    collection: string,
    space: EmbeddingSpace,
    vectors: readonly { readonly contentHash: string; readonly vector: EncodedVector }[],
    options: CallOptions,
  ): Promise<PutVectorsResult>;

  /**
   * Counts passages of these contents as done although the embedder makes no vector of them, until one is put after all, the passage changes,
   * another space is built or they are to be tried again; gives how many count so now. In a space that is not known, or has no vector, none does:
   * its embedder may be at fault.
   */
  refuse(
    tenant: string,
    collection: string,
    spaceId: string,
    contentHashes: readonly string[],
    options: CallOptions,
  ): Promise<number>;

  /** Has the refused passages of a collection listed as lacking vectors again, in its spaces; gives how many passages. */
  retryRefused(tenant: string, collection: string, options: CallOptions): Promise<number>;

  /** Makes the space being built the active one, if no passage lacks a vector in it that is not refused, and drops the old one's vectors. */
  activate(tenant: string, collection: string, spaceId: string, options: CallOptions): Promise<ActivateResult>;
}
