import { coverage, terms } from "@quartet/text";
import type { Passage } from "./answerer.ts";

/** A passage that covers less of the question than this does not answer it. */
const MINIMUM_COVERAGE = 0.34;

/**
 * Whether the passages speak of what the question asks: the best of them covers enough of the question's idf mass, its
 * title counting as part of it. One setting for all languages.
 */
export function holdAnAnswer(question: string, passages: readonly Passage[]): boolean {
  return bestCoverage(question, passages) >= MINIMUM_COVERAGE;
}

/** The share of the question's idf mass, from 0 to 1, that the passage covering most of it covers. */
export function bestCoverage(question: string, passages: readonly Passage[]): number {
  const asked = terms(question);
  return Math.max(0, ...passages.map(({ title, text }) => coverage(asked, [...terms(title), ...terms(text)])));
}
