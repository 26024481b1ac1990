import type { estypes } from "@elastic/elasticsearch";
import { terms } from "@quartet/text";
import { k1 } from "../../domain/bm25.ts";
import type { KeywordQuery } from "../../domain/keyword-index.ts";
import { filterQuery } from "./filter-query.ts";

/** How much each reading of the words counts. */
export interface Weights {
  /** The one that decides what is found: the same terms as in the embedded index. */
  readonly terms: number;
  /** Korean words, taken apart by a dictionary. */
  readonly nori: number;
  /** English words, read by Elasticsearch. */
  readonly english: number;
}

/** Chosen on cranfield, squad2-dev and autorag-ko; see deploy/decisions/2026-11-21-keyword-index.md. */
export const defaultWeights: Weights = { terms: 1, nori: 0.4, english: 0.2 };

/** Elasticsearch still multiplies BM25 by the constant that Lucene left out in version 8; see bm25.ts. */
const scoreFactor = k1 + 1;

const korean = /[\p{Script=Hangul}\p{Script=Han}]/u;
const latin = /[a-z0-9]/i;

/**
 * The query of a search; undefined when the text has no word to look for. `terms` decides what is found, and the other readings move what
 * they find as well upwards. The weights of the readings that apply are taken to a sum of 1, so that where they agree the score is BM25.
 *
 * Tenant, collections and filter stand in `bool.filter`. All text of the caller is in `match`, `term` and `range`, which read it as it is.
 */
export function keywordQuery(
  tenant: string,
  { text, collections, filter, passageIds }: Omit<KeywordQuery, "limit" | "after">,
  weights: Weights = defaultWeights,
): estypes.QueryDslQueryContainer | undefined {
  const words = terms(text);
  if (words.length === 0 || collections.length === 0) return undefined;
  const readings = [
    { field: "content.nori", weight: korean.test(text) ? weights.nori : 0 },
    { field: "content.english", weight: latin.test(text) ? weights.english : 0 },
  ].filter(({ weight }) => weight > 0);
  const sum = readings.reduce((total, { weight }) => total + weight, weights.terms);
  const match = (field: string, query: string, weight: number) => ({
    match: { [field]: { query, boost: weight / sum / scoreFactor } },
  });
  return {
    bool: {
      filter: [
        { term: { tenant } },
        { terms: { collection: [...collections] } },
        ...(filter === undefined ? [] : [filterQuery(filter)]),
        ...(passageIds === undefined ? [] : [{ ids: { values: passageIds.map(String) } }]),
      ],
      must: [match("terms", words.join(" "), weights.terms)],
      should: readings.map(({ field, weight }) => match(field, text, weight)),
    },
  };
}
