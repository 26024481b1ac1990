import { create } from "@bufbuild/protobuf";
import { Execution, type Filter, Fusion, type SearchOptions } from "@quartet/client";
import { FilterSchema } from "@quartet/contracts/type/v1/filter";
import { SearchOptionsSchema } from "@quartet/contracts/type/v1/search";

/** How a search is steered from the command line; shared by `ask` and `search`. */
export interface SearchFlags {
  readonly collection?: string;
  readonly tag?: readonly string[];
  readonly source?: readonly string[];
  readonly fusion?: keyof typeof fusions;
  readonly vectorWeight?: number;
  readonly sequential?: boolean;
}

export const fusions = {
  convex: Fusion.CONVEX,
  rrf: Fusion.RRF,
  keyword: Fusion.KEYWORD_ONLY,
  vector: Fusion.VECTOR_ONLY,
} as const;

export function toSearchOptions(flags: SearchFlags): SearchOptions {
  const filter = collectionFilter(flags.collection);
  return create(SearchOptionsSchema, {
    ...(filter && { filter }),
    tags: [...(flags.tag ?? [])],
    sources: [...(flags.source ?? [])],
    fusion: flags.fusion ? fusions[flags.fusion] : Fusion.UNSPECIFIED,
    execution: flags.sequential ? Execution.SEQUENTIAL : Execution.UNSPECIFIED,
    ...(flags.vectorWeight !== undefined && { vectorWeight: flags.vectorWeight }),
  });
}

/** Only documents of one collection that carry all of the tags; undefined for all. */
export function documentFilter({
  collection,
  tag,
}: {
  readonly collection?: string;
  readonly tag: readonly string[];
}): Filter | undefined {
  const inCollection = collectionFilter(collection);
  const withTags = tag.map((value) => create(FilterSchema, { condition: { case: "tag", value } }));
  const filters = inCollection ? [inCollection, ...withTags] : withTags;
  if (filters.length <= 1) return filters[0];
  return create(FilterSchema, { condition: { case: "allOf", value: { filters } } });
}

/** Only documents of one collection; undefined for all. */
export function collectionFilter(collection: string | undefined): Filter | undefined {
  if (!collection) return undefined;
  const value = { kind: { case: "stringValue" as const, value: collection } };
  return create(FilterSchema, { condition: { case: "equals", value: { field: "collection", value } } });
}
