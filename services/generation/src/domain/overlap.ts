import { termIdf, terms } from "@quartet/text";

/** The distinct terms of a text with their static idf. */
export type TermWeights = ReadonlyMap<string, number>;

export function termWeights(text: string): TermWeights {
  return weightsOf(terms(text));
}

export function weightsOf(found: readonly string[]): TermWeights {
  return new Map(found.map((term) => [term, termIdf(term)]));
}

export function totalWeight(weights: TermWeights): number {
  let total = 0;
  for (const weight of weights.values()) total += weight;
  return total;
}

/** The idf mass of the wanted terms that are among the given ones, without those to leave out. */
export function sharedWeight(
  wanted: TermWeights,
  given: ReadonlySet<string> | TermWeights,
  without: ReadonlySet<string> = new Set(),
): number {
  let shared = 0;
  for (const [term, weight] of wanted) if (given.has(term) && !without.has(term)) shared += weight;
  return shared;
}
