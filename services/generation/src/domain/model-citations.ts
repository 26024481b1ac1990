import { sentences, terms } from "@quartet/text";
import type { Citation, Passage, PassagePart, Span } from "./answerer.ts";
import { claimsOf } from "./citation-marks.ts";
import { sharedWeight, termWeights, totalWeight } from "./overlap.ts";

/** A sentence is marked only if it holds at least this share of the claim's idf mass; a doubtful mark is worse than none. */
const MINIMUM_SHARE = 0.4;
/** What is compared at most, so that no answer holds up other calls: the end of a claim, claims of one passage, text of all passages. */
const MAX_CLAIM_UNITS = 1_000;
const MAX_CLAIMS = 16;
const MAX_READ_UNITS = 64_000;

interface Sentence {
  readonly part: PassagePart;
  readonly span: Span;
  readonly terms: ReadonlySet<string>;
}

interface Match {
  readonly sentence: Sentence;
  readonly share: number;
}

/**
 * What a model's answer cites, each passage once. Highlighted is the sentence of the passage that shares the most with
 * the words before each mark, where that is enough to be sure.
 */
export function modelCitations(answer: string, passages: readonly Passage[]): Citation[] {
  const claims = Map.groupBy(claimsOf(answer), ({ number }) => number);
  const numbers = [...claims.keys()].filter((number) => number >= 1 && number <= passages.length).sort((a, b) => a - b);
  let unitsLeft = MAX_READ_UNITS;
  return numbers.map((number) => {
    const passage = passages[number - 1]!;
    unitsLeft -= passage.text.length;
    const own = unitsLeft < 0 ? [] : claims.get(number)!.slice(0, MAX_CLAIMS);
    return citationOf(
      number,
      passage,
      own.map(({ text }) => text),
    );
  });
}

function citationOf(number: number, passage: Passage, claims: readonly string[]): Citation {
  const among = claims.length === 0 ? [] : sentencesOf(passage);
  const matches = claims.map((claim) => bestMatch(claim, among)).filter((match) => match !== undefined);
  // A citation is one unbroken piece of its document: of a shortened passage, the one that most of the answer rests on.
  const part = matches.toSorted((one, other) => other.share - one.share)[0]?.sentence.part ?? longestPart(passage);
  const marked = matches.filter(({ sentence, share }) => sentence.part === part && share >= MINIMUM_SHARE);
  return {
    number,
    passage,
    text: part.text,
    span: part.span,
    highlights: distinct(marked.map(({ sentence }) => sentence.span)),
  };
}

function sentencesOf({ parts }: Passage): Sentence[] {
  return parts.flatMap((part) =>
    sentences(part.text).map(({ text, start, end }) => ({
      part,
      span: { start: part.span.start + start, end: part.span.start + end },
      terms: new Set(terms(text)),
    })),
  );
}

/** The sentence that holds the most of the claim's idf mass; a claim's last sentence says what its mark is for. */
function bestMatch(claim: string, among: readonly Sentence[]): Match | undefined {
  const wanted = termWeights(sentences(claim.slice(-MAX_CLAIM_UNITS)).at(-1)?.text ?? "");
  const mass = totalWeight(wanted);
  let best: Match | undefined;
  for (const sentence of among) {
    const share = mass === 0 ? 0 : sharedWeight(wanted, sentence.terms) / mass;
    if (share > (best?.share ?? 0)) best = { sentence, share };
  }
  return best;
}

function longestPart({ parts }: Passage): PassagePart {
  return parts.reduce((longest, part) => (part.text.length > longest.text.length ? part : longest));
}

function distinct(spans: readonly Span[]): Span[] {
  const byStart = new Map(spans.map((span) => [span.start, span]));
  return [...byStart.values()].sort((one, other) => one.start - other.start);
}
