import { termIdf } from "./static-idf.ts";

/**
 * The share of the question's idf mass that a passage covers, from 0 to 1: the idf of the question's distinct terms
 * that the passage has, over that of all of them. 0 for a question without terms.
 * Both are terms as terms() gives them; the passage's may be a set, made once and used for many questions.
 */
export function coverage(questionTerms: readonly string[], passageTerms: Iterable<string>): number {
  const passage = passageTerms instanceof Set ? (passageTerms as ReadonlySet<string>) : new Set(passageTerms);
  let total = 0;
  let covered = 0;
  for (const term of new Set(questionTerms)) {
    const idf = termIdf(term);
    total += idf;
    if (passage.has(term)) covered += idf;
  }
  return total === 0 ? 0 : covered / total;
}
