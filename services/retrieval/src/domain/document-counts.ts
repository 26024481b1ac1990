import { compareCodePoints } from "./code-point-order.ts";
import type { Filter } from "./filter.ts";

/** What documents are counted by. A document counts for its own taxonomy path and for every path above it. */
export type Facet = "tag" | "taxonomyPath";

/** One value of a facet; the count is never 0. */
export interface DocumentCount {
  readonly value: string;
  readonly documentCount: number;
}

export interface CountQuery {
  readonly facet: Facet;
  /** Only values that begin so: of paths by whole segments, without a slash at the end. Empty: all. */
  readonly prefix: string;
  readonly filter: Filter | undefined;
  /** Only what comes after this one. */
  readonly after: DocumentCount | undefined;
  readonly limit: number;
}

/** Most documents first; of equally many in the order of code points. */
export interface CountPage {
  readonly counts: readonly DocumentCount[];
  /** `after` of the next page; undefined when there is none. */
  readonly next: DocumentCount | undefined;
}

/** Below zero where the first comes before the other. */
export const compareCounts = (one: DocumentCount, other: DocumentCount): number =>
  other.documentCount - one.documentCount || compareCodePoints(one.value, other.value);

/** The values that a document counts for. */
export function facetValues(facet: Facet, { tags, taxonomyPath }: FacetFields): readonly string[] {
  if (facet === "tag") return tags;
  const segments = taxonomyPath === "" ? [] : taxonomyPath.split("/");
  return segments.map((_, place) => segments.slice(0, place + 1).join("/"));
}

interface FacetFields {
  readonly tags: readonly string[];
  readonly taxonomyPath: string;
}

/** Whether a value begins as it must. */
export function hasPrefix(facet: Facet, value: string, prefix: string): boolean {
  if (facet === "tag") return value.startsWith(prefix);
  return prefix === "" || value === prefix || value.startsWith(`${prefix}/`);
}
