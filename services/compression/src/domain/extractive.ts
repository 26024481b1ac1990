import { codePointLength, sentences, terms } from "@quartet/text";
import type { Sentence } from "@quartet/text";
import { assemble, keepWhole } from "./assemble.ts";
import { createDuplicateFilter } from "./near-duplicates.ts";
import { countTerms, sentenceScores } from "./sentence-scores.ts";
import type { KeptPassage, RankedPassage } from "./types.ts";

/** A longer sentence is cut into pieces that are chosen one by one. */
const MAX_SENTENCE_CHARS = 600;
/** What a sentence weighs that shares nothing with the question, so that better passages fill the room that is left. */
const BASE_SCORE = 1;
/** How fast a passage's weight falls with its score. Retention is flat around this and the base: half or double moves it by less than .005. */
const PASSAGE_EXPONENT = 1.5;

interface Candidate {
  /** Which of the passages, best first. */
  readonly rank: number;
  /** Which of the passage's sentences. */
  readonly ordinal: number;
  readonly sentence: Sentence;
  readonly score: number;
}

/**
 * Keeps the sentences that have most to do with the question, in the order of each passage, until the budget is used up:
 * a sentence's overlap with the question, weighted by its passage's score. A sentence that says what a kept one says is left out.
 * When nothing of a passage was left out and there is room, it stays as it is, white space included.
 *
 * @param passages best first, all of them to be used.
 * @returns what is left, `index` being the place in `passages`; at most `maxCharCount` code points in all.
 */
export function extractive(
  question: string,
  passages: readonly RankedPassage[],
  { maxCharCount }: { readonly maxCharCount: number },
): KeptPassage[] {
  const split = passages.map(({ text }) =>
    sentences(text, { maxCodePoints: Math.min(MAX_SENTENCE_CHARS, maxCharCount) }),
  );
  const candidates = rankSentences(question, passages, split);
  const chosen = choose(candidates, maxCharCount);
  const kept = chosen.flatMap((ordinals, rank) => {
    const parts = [...ordinals].sort((left, right) => left - right).map((ordinal) => split[rank]![ordinal]!);
    return parts.length > 0 ? [{ rank, all: parts.length === split[rank]!.length, parts }] : [];
  });
  const assembled = kept.map(({ rank, parts }) => assemble(rank, passages[rank]!.text, parts));
  let left = maxCharCount - assembled.reduce((sum, { charCount }) => sum + charCount, 0);
  return assembled.map((passage, position) => {
    if (passage.whole || !kept[position]!.all) return passage;
    const { text } = passages[passage.index]!;
    const extra = codePointLength(text) - passage.charCount;
    if (extra > left) return passage;
    left -= extra;
    return keepWhole(passage.index, text);
  });
}

/** Every sentence, best first; equal ones in the order of passages and text. */
function rankSentences(
  question: string,
  passages: readonly RankedPassage[],
  split: readonly (readonly Sentence[])[],
): Candidate[] {
  const wanted = new Set(terms(question));
  const counts = split.map((each) => each.map(({ text }) => countTerms(terms(text), wanted)));
  const scores = sentenceScores(wanted, counts);
  const best = Math.max(...passages.map(({ score }) => score));
  // Where no passage has a score, none is better than another.
  const weights = passages.map(({ score }) => (best > 0 ? (score / best) ** PASSAGE_EXPONENT : 1));
  return split
    .flatMap((each, rank) =>
      each.map((sentence, ordinal) => {
        const score = (BASE_SCORE + scores[rank]![ordinal]!) * weights[rank]!;
        return { rank, ordinal, sentence, score };
      }),
    )
    .sort((left, right) => right.score - left.score || left.rank - right.rank || left.ordinal - right.ordinal);
}

/** Takes what fits, best first. The ordinals taken, by passage. */
function choose(candidates: readonly Candidate[], maxCharCount: number): readonly ReadonlySet<number>[] {
  const chosen: Set<number>[] = [];
  const duplicates = createDuplicateFilter();
  let left = maxCharCount;
  for (const { rank, ordinal, sentence } of candidates) {
    const ofPassage = (chosen[rank] ??= new Set());
    const cost = sentence.end - sentence.start + (ofPassage.size > 0 ? 1 : 0);
    if (cost > left) continue;
    if (!duplicates.remember(sentence.text)) continue;
    ofPassage.add(ordinal);
    left -= cost;
  }
  return Array.from(chosen, (ordinals) => ordinals ?? new Set<number>());
}
