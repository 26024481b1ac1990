import { codePointLength, truncateToGraphemes } from "@quartet/text";
import { createCitationMarks } from "./citation-marks.ts";
import { createSentinelWatch } from "./sentinel.ts";
import { createWholePieces } from "./whole-pieces.ts";

export interface AnswerTextOptions {
  /** `[1]` to this number are citations; others are removed. */
  readonly passageCount: number;
  /** The longest answer in code points. */
  readonly maxCharacters: number;
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
}

/**
 * Everything that is done to a model's text: the sentinel is caught, citations are made one form, unknown ones removed,
 * pieces end between graphemes and citations, and the whole has a longest length. The deltas' borders do not matter.
 */
export function createAnswerText({ passageCount, maxCharacters }: AnswerTextOptions): AnswerTextStream {
  const sentinel = createSentinelWatch();
  const marks = createCitationMarks(passageCount);
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
    push: (delta) => emit(pieces.push(marks.push(sentinel.push(delta)))),
    finish: () => emit(pieces.push(marks.push(sentinel.finish()) + marks.finish()) + pieces.finish()),
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
  };
}

/** As many code points as fit, without a torn grapheme or mark at the end. */
function cutTo(piece: string, maxCharacters: number): string {
  const cut = truncateToGraphemes(piece, maxCharacters);
  const torn = /\[\d{0,3}$/.exec(cut);
  return torn !== null && /^\[\d{1,3}\]/.test(piece.slice(torn.index)) ? cut.slice(0, torn.index) : cut;
}
