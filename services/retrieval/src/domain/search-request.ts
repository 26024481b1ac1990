import type { CollectionState } from "./collection.ts";
import type { StoredPassage } from "./document.ts";
import type { Filter } from "./filter.ts";
import type { FusionMethod, LegRank } from "./fusion.ts";
import type { LegReport } from "./leg.ts";
import type { PageStart } from "./page-start.ts";
import type { SourceReport } from "./source.ts";
import type { EncodedVector } from "./vector.ts";

export interface SearchRequest {
  readonly query: string;
  /** The query's vector with its space; vector legs are skipped without. */
  readonly vector: { readonly value: EncodedVector; readonly spaceId: string } | undefined;
  readonly filter: Filter | undefined;
  /** The sources to ask, by name; those that are asked by default if empty. */
  readonly sources: readonly string[];
  readonly pageSize: number;
  /** Where the page starts; undefined for the first. */
  readonly start?: PageStart | undefined;
  /** How many hits each leg gives to the fusion. */
  readonly keywordLimit: number;
  readonly vectorLimit: number;
  /** How many fused passages are candidates: for the reranker, where there is one, and for the first page. Later pages go on past them. */
  readonly candidateLimit: number;
  readonly fusion: FusionMethod;
  /** The weight of vector legs in convex fusion; the space's if undefined. */
  readonly vectorWeight: number | undefined;
  readonly execution: "parallel" | "sequential";
  /** `bypass`: neither read nor fill the cache of results. `refresh`: fill it without reading. */
  readonly cacheUse: "read-write" | "bypass" | "refresh";
}

/** What a search does that asks for nothing in particular. */
export const searchDefaults = {
  filter: undefined,
  sources: [],
  pageSize: 10,
  keywordLimit: 100,
  vectorLimit: 100,
  candidateLimit: 200,
  fusion: "convex",
  vectorWeight: undefined,
  execution: "parallel",
  cacheUse: "read-write",
} as const satisfies Omit<SearchRequest, "query" | "vector">;

export interface FoundPassage extends StoredPassage {
  readonly score: number;
  readonly ranks: readonly LegRank[];
}

export interface SearchResult {
  readonly passages: readonly FoundPassage[];
  readonly legs: readonly LegReport[];
  /** In the order they were asked for. */
  readonly sources: readonly SourceReport[];
  /** Whether a reranker should have ordered the passages and could not, so that they stand as the fusion ordered them. */
  readonly notReranked: boolean;
  /** Whether the record could not be asked, so that the passages are those that the keyword index keeps: recent changes may be missing. */
  readonly withoutRecord: boolean;
  /** The collections asked, as they stood before the search. */
  readonly collections: readonly CollectionState[];
  /** Whether an earlier search found it. */
  readonly cached: boolean;
  /** Where the next page starts; undefined when nothing is left. */
  readonly next?: PageStart | undefined;
}
