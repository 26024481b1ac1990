import { terms } from "@quartet/text";
import type { Passage } from "./answerer.ts";
import { sharedWeight, totalWeight, weightsOf } from "./overlap.ts";
import { questionTerms } from "./question-terms.ts";

/**
 * 1 would ask for the same share of every question, 0 for the same mass. In between, because the more a question says,
 * the less of it one passage repeats.
 */
const MASS_EXPONENT = 0.85;

/**
 * Calibrated once for all languages on SQuAD 2.0's articles outside of squad2-dev (English) and KorQuAD 1.0's dev set (Korean):
 * 4 % and 1 % of their answerable questions are lost. None of the evaluation sets was looked at for it.
 */
const LEAST_EVIDENCE = 0.75;

/** Whether the passages speak of what the question asks, so that quoting them answers it. Sees nothing but the two. */
export function holdAnAnswer(question: string, passages: readonly Passage[]): boolean {
  return evidence(question, passages) >= LEAST_EVIDENCE;
}

/**
 * How much of the question the passage covering most of it covers: (idf mass of the question's terms that it has) /
 * (idf mass of all of them) ^ 0.85. A passage's title counts as part of it. 0 for a question without terms.
 */
export function evidence(question: string, passages: readonly Passage[]): number {
  const asked = weightsOf(questionTerms(question));
  const mass = totalWeight(asked);
  if (mass === 0) return 0;
  let most = 0;
  for (const { title, text } of passages) {
    most = Math.max(most, sharedWeight(asked, new Set([...terms(title), ...terms(text)])));
  }
  return most / mass ** MASS_EXPONENT;
}
