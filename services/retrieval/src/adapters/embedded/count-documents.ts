import { createGiveWay } from "@quartet/turns";
import {
  compareCounts,
  type CountPage,
  type CountQuery,
  type DocumentCount,
  facetValues,
  hasPrefix,
} from "../../domain/document-counts.ts";
import { compileFilter } from "../../domain/filter-match.ts";
import type { DocumentEntry } from "./catalogue.ts";

/** Values that are put in order at once. */
const sortedAtOnce = 1_000;

/** Goes through all documents, as they are when it begins: none of them is ever changed, only replaced. */
export async function countDocuments(
  documents: Iterable<DocumentEntry>,
  { facet, prefix, filter, after, limit }: CountQuery,
  signal: AbortSignal,
): Promise<CountPage> {
  const giveWay = createGiveWay();
  const matches = filter === undefined ? () => true : compileFilter(filter);
  const tally = new Map<string, number>();
  for (const document of [...documents]) {
    if (matches(document)) {
      for (const value of facetValues(facet, document)) {
        if (hasPrefix(facet, value, prefix)) tally.set(value, (tally.get(value) ?? 0) + 1);
      }
    }
    await giveWay(signal);
  }
  // One more than asked for tells whether there is a next page.
  let best: DocumentCount[] = [];
  let waiting: DocumentCount[] = [];
  const sortIn = () => {
    best = [...best, ...waiting].sort(compareCounts).slice(0, limit + 1);
    waiting = [];
  };
  for (const [value, documentCount] of tally) {
    const count = { value, documentCount };
    if (after === undefined || compareCounts(after, count) < 0) waiting.push(count);
    if (waiting.length < sortedAtOnce) continue;
    sortIn();
    await giveWay(signal);
  }
  sortIn();
  const counts = best.slice(0, limit);
  return { counts, next: best.length > limit ? counts.at(-1) : undefined };
}
