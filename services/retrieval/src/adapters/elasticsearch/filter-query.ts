import type { estypes } from "@elastic/elasticsearch";
import type { Filter, FilterRange, Scalar } from "../../domain/filter.ts";
import { encodeScalar, encodeText, kindLetters, nameOf, tagField, taxonomyField } from "./facts.ts";

type Query = estypes.QueryDslQueryContainer;

/** A filter's tree as a query on `facts`, to stand in `bool.filter`. Every string in it is a literal. */
export function filterQuery(filter: Filter): Query {
  switch (filter.kind) {
    case "allOf":
      return { bool: { filter: filter.filters.map(filterQuery) } };
    case "anyOf":
      if (filter.filters.length === 0) return { match_none: {} };
      return { bool: { should: filter.filters.map(filterQuery), minimum_should_match: 1 } };
    case "noneOf":
      return { bool: { must_not: filter.filters.map(filterQuery) } };
    case "equalsAny": {
      const name = nameOf(filter.field);
      return { terms: { facts: filter.values.map((value) => factOf(name, value)) } };
    }
    case "range":
      return rangeQuery(filter);
    case "exists":
      return { term: { facts: `${nameOf(filter.field)}:` } };
    case "tag":
      return { term: { facts: factOf(tagField, { kind: "string", value: filter.tag }) } };
    case "taxonomyPathPrefix":
      return { term: { facts: `${taxonomyField}:${kindLetters.string}${encodeText(filter.path)}` } };
  }
}

function factOf(field: string, value: Scalar): string {
  return `${field}:${kindLetters[value.kind]}${encodeScalar(value)}`;
}

/** Where a bound is missing, that of all values of the field and type: the letter itself, and the one after it. */
function rangeQuery({ field, min, max, minExclusive, maxExclusive }: FilterRange): Query {
  const letter = kindLetters[(min ?? max)!.kind];
  const all = `${nameOf(field)}:`;
  const low = all + letter + (min === undefined ? "" : encodeScalar(min));
  const from = min !== undefined && minExclusive ? { gt: low } : { gte: low };
  if (max === undefined)
    return { range: { facts: { ...from, lt: all + String.fromCharCode(letter.charCodeAt(0) + 1) } } };
  const high = all + letter + encodeScalar(max);
  return { range: { facts: { ...from, ...(maxExclusive ? { lt: high } : { lte: high }) } } };
}
