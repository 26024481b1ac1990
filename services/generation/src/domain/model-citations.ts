import { sentences, terms } from "@quartet/text";
import type { Citation, Passage, PassagePart, Span } from "./answerer.ts";
import { claimsOf } from "./citation-marks.ts";
import { sharedWeight, termWeights, totalWeight } from "./overlap.ts";

/** A sentence is marked only if it holds at least this share of the claim's idf mass; a doubtful mark is worse than none. */
const MINIMUM_SHARE = 0.4;
/** A claim's last sentence says what its mark is for; this is the most of it that is compared. */
const MAX_CLAIM_UNITS = 1_000;
/** Passages longer than this are cited without a mark. */
const MAX_READ_UNITS = 32_768;

interface Match {
  readonly part: PassagePart;
  readonly span: Span;
  readonly share: number;
}

/**
 * What a model's answer cites, each passage once. Highlighted is the sentence of the passage that shares the most with
 * the words before each mark, where that is enough to be sure.
 */
export function modelCitations(answer: string, passages: readonly Passage[]): Citation[] {
  const claims = Map.groupBy(claimsOf(answer), ({ number }) => number);
  return [...claims]
    .filter(([number]) => number >= 1 && number <= passages.length)
    .sort(([one], [other]) => one - other)
    .map(([number, own]) =>
      citationOf(
        number,
        passages[number - 1]!,
        own.map(({ text }) => text),
      ),
    );
}

function citationOf(number: number, passage: Passage, claims: readonly string[]): Citation {
  const matches = claims
    .map((claim) => bestMatch(claim, passage))
    .filter((match): match is Match => match !== undefined);
  // A citation is one unbroken piece of its document: of a shortened passage, the one that most of the answer rests on.
  const part = matches.toSorted((one, other) => other.share - one.share)[0]?.part ?? longestPart(passage);
  const marked = matches.filter((match) => match.part === part && match.share >= MINIMUM_SHARE).map(({ span }) => span);
  return { number, passage, text: part.text, span: part.span, highlights: distinct(marked) };
}

/** The sentence of the passage that holds the most of the claim's idf mass. */
function bestMatch(claim: string, passage: Passage): Match | undefined {
  if (passage.text.length > MAX_READ_UNITS) return undefined;
  const last = sentences(claim.slice(-MAX_CLAIM_UNITS)).at(-1)?.text ?? "";
  const wanted = termWeights(last);
  const mass = totalWeight(wanted);
  let best: Match | undefined;
  for (const part of passage.parts) {
    for (const { text, start, end } of sentences(part.text)) {
      const share = mass === 0 ? 0 : sharedWeight(wanted, new Set(terms(text))) / mass;
      if (share <= (best?.share ?? 0)) continue;
      best = { part, span: { start: part.span.start + start, end: part.span.start + end }, share };
    }
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
