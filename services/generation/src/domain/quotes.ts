import { sentences, terms } from "@quartet/text";
import type { Passage, PassagePart, Span } from "./answerer.ts";
import { sharedWeight, totalWeight, weightsOf, type TermWeights } from "./overlap.ts";
import { questionTerms } from "./question-terms.ts";
import { createQuotable } from "./quotable.ts";

/** A sentence of a passage, word for word. */
export interface Quote {
  /** The n of `[n]`. */
  readonly number: number;
  readonly part: PassagePart;
  readonly text: string;
  /** Where it stands in the document's stored text. */
  readonly span: Span;
}

export interface QuoteOptions {
  /** Default: 3. */
  readonly maxQuotes?: number;
  /** How many code points the quotes have together at most; the best sentence is taken whatever its length. Default: 700. */
  readonly maxCharacters?: number;
}

/** What is left of a sentence's weight in a passage with score 0: the score tells something, yet must not drown the words. */
const PASSAGE_FLOOR = 0.3;
/** A further sentence must add at least this share of the question's idf mass. */
const MINIMUM_GAIN = 0.1;
/** Two sentences with this share of terms in common say the same. */
const DUPLICATE_SHARE = 0.8;

interface Candidate extends Quote {
  readonly terms: ReadonlySet<string>;
  /** The idf mass of the question it has; above 0. */
  readonly overlap: number;
  /** Of its passage. */
  readonly weight: number;
}

/**
 * The sentences that answer the question best, best first: the idf mass of the question they cover, weighted by the
 * passage's score. Each further one must add terms of the question that those before it lack; near-duplicates are dropped.
 *
 * Neighbours do not count, as they do in compression: on KorQuAD and every second question of squad2-dev, on which the constants
 * above were tried, the best sentence by itself held the answer more often.
 */
export function bestQuotes(
  question: string,
  passages: readonly Passage[],
  { maxQuotes = 3, maxCharacters = 700 }: QuoteOptions = {},
): Quote[] {
  const asked = weightsOf(questionTerms(question));
  const mass = totalWeight(asked);
  const candidates = candidatesOf(asked, passages, createQuotable(question));
  const chosen: Candidate[] = [];
  const covered = new Set<string>();
  let characters = 0;
  while (chosen.length < maxQuotes) {
    const best = bestOf(candidates, (each) =>
      gainOf(each, { asked, mass, chosen, covered, left: maxCharacters - characters }),
    );
    if (best === undefined) break;
    chosen.push(best);
    characters += best.span.end - best.span.start;
    for (const term of best.terms) covered.add(term);
  }
  return chosen;
}

interface Choice {
  readonly asked: TermWeights;
  readonly mass: number;
  readonly chosen: readonly Candidate[];
  readonly covered: ReadonlySet<string>;
  /** Code points that may still be quoted. */
  readonly left: number;
}

/** What a candidate adds to those chosen; 0 when it may not be taken. */
function gainOf(candidate: Candidate, { asked, mass, chosen, covered, left }: Choice): number {
  if (chosen.length === 0) return candidate.overlap * candidate.weight;
  const fresh = sharedWeight(asked, candidate.terms, covered);
  if (fresh < MINIMUM_GAIN * mass || candidate.span.end - candidate.span.start > left) return 0;
  if (chosen.some((other) => isNearDuplicate(candidate, other) || areInDifferentParts(candidate, other))) return 0;
  return fresh * candidate.weight;
}

/** A citation is one unbroken piece of its document, so all quotes of one passage come from one part of it. */
function areInDifferentParts(one: Quote, other: Quote): boolean {
  return one.number === other.number && one.part !== other.part;
}

function isNearDuplicate(one: Candidate, other: Candidate): boolean {
  const [small, large] = one.terms.size <= other.terms.size ? [one.terms, other.terms] : [other.terms, one.terms];
  let common = 0;
  for (const term of small) if (large.has(term)) common += 1;
  return common >= DUPLICATE_SHARE * small.size;
}

type Quotable = ReturnType<typeof createQuotable>;

function candidatesOf(asked: TermWeights, passages: readonly Passage[], quotable: Quotable): Candidate[] {
  const highest = Math.max(...passages.map(({ score }) => score), 0);
  const candidates: Candidate[] = [];
  for (const [index, passage] of passages.entries()) {
    const weight = highest > 0 ? PASSAGE_FLOOR + ((1 - PASSAGE_FLOOR) * passage.score) / highest : 1;
    for (const part of passage.parts) {
      candidates.push(...candidatesOfPart(asked, part, { number: index + 1, weight, quotable }));
    }
  }
  return candidates;
}

function candidatesOfPart(
  asked: TermWeights,
  part: PassagePart,
  { number, weight, quotable }: { number: number; weight: number; quotable: Quotable },
): Candidate[] {
  const all = quotable(part.text, sentences(part.text)).map(({ text, start, end }): Candidate => {
    const own = new Set(terms(text));
    const span = { start: part.span.start + start, end: part.span.start + end };
    return { number, part, text, span, terms: own, overlap: sharedWeight(asked, own), weight };
  });
  return all.filter(({ overlap }) => overlap > 0);
}

/** The first of those with the highest value above 0. */
function bestOf<T>(items: readonly T[], valueOf: (item: T) => number): T | undefined {
  let best: T | undefined;
  let highest = 0;
  for (const item of items) {
    const value = valueOf(item);
    if (value > highest) [best, highest] = [item, value];
  }
  return best;
}
