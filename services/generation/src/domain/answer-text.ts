import { codePointLength, truncateToGraphemes } from "@quartet/text";
import { createAnswerLinks } from "./answer-links.ts";
import { createCitationMarks } from "./citation-marks.ts";
import type { KnownLinks } from "./known-links.ts";
import { createSentinelWatch } from "./sentinel.ts";
import { createWholePieces } from "./whole-pieces.ts";

export interface AnswerTextOptions {
  /** `[1]` to this number are citations; others are removed. */
  readonly passageCount: number;
  /** The longest answer in code points. */
  readonly maxCharacters: number;
  /** Where links may lead. */
  readonly knownLinks: KnownLinks;
}

/** A model's text on its way to the reader. */
export interface AnswerTextStream {
  /** Takes the next delta; returns the next whole piece, which may be empty. Nothing after the text is full. */
  push(delta: string): string;
  /** Returns the last piece, which may be empty. */
  finish(): string;
  /** All that was returned. */
  readonly text: string;
  /** Whether the longest answer is reached: what follows is cut off. */
  readonly isFull: boolean;
  /** Whether the model said that the passages hold no answer. */
  readonly saysNoAnswer: boolean;
  /** Whether citations of passages that were not given were removed. */
  readonly hasDroppedCitations: boolean;
  /** Whether links, images or URLs were removed because no document is from their host. */
  readonly hasRemovedLinks: boolean;
}

/**
 * Everything that is done to a model's text: the sentinel is caught, citations are made one form, unknown ones removed, links to unknown hosts
 * too, pieces end between graphemes and citations, and the whole has a longest length. The deltas' borders do not matter.
 */
export function createAnswerText({ passageCount, maxCharacters, knownLinks }: AnswerTextOptions): AnswerTextStream {
  const sentinel = createSentinelWatch();
  const marks = createCitationMarks(passageCount);
  // After the marks, which could become the words of a link.
  const links = createAnswerLinks(knownLinks);
  const pieces = createWholePieces();
  let text = "";
  let left = maxCharacters;
  let isFull = false;

  const emit = (piece: string): string => {
    if (isFull) return "";
    const length = codePointLength(piece);
    const fitting = length <= left ? piece : cutTo(piece, left);
    isFull = length > left;
    left -= length;
    text += fitting;
    return fitting;
  };

  return {
    push: (delta) => emit(pieces.push(links.push(marks.push(sentinel.push(delta))))),
    finish() {
      const rest = links.push(marks.push(sentinel.finish()) + marks.finish()) + links.finish();
      return emit(pieces.push(rest) + pieces.finish());
    },
    get text() {
      return text;
    },
    get isFull() {
      return isFull;
    },
    get saysNoAnswer() {
      return sentinel.seen;
    },
    get hasDroppedCitations() {
      return marks.hasDropped;
    },
    get hasRemovedLinks() {
      return links.hasRemoved;
    },
  };
}

/** As many code points as fit, without a torn grapheme or mark at the end. */
function cutTo(piece: string, maxCharacters: number): string {
  const cut = truncateToGraphemes(piece, maxCharacters);
  const torn = /\[\d{0,3}$/.exec(cut);
  return torn !== null && /^\[\d{1,3}\]/.test(piece.slice(torn.index)) ? cut.slice(0, torn.index) : cut;
}
