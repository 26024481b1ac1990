import { codePointLength, sliceByCodePoints } from "@quartet/text";
import type { KeptPassage, TextRange } from "./types.ts";

/** A part of a text: what it says and where it stands, in code points. */
export interface TextPart extends TextRange {
  readonly text: string;
}

/**
 * Puts the chosen parts of a passage together: in order, exactly one character between two of them. Parts that stand one character
 * or none apart in the passage become one, with what stood between them; else a line break shows that something was left out.
 */
export function assemble(index: number, passage: string, chosen: readonly TextPart[]): KeptPassage {
  const parts: { start: number; end: number }[] = [];
  let text = "";
  for (const { start, end, text: own } of chosen) {
    const last = parts.at(-1);
    const gap = last === undefined ? 0 : start - last.end;
    if (last !== undefined && gap <= 1) {
      text += (gap === 1 ? sliceByCodePoints(passage, last.end, start) : "") + own;
      last.end = end;
    } else {
      text += (last === undefined ? "" : "\n") + own;
      parts.push({ start, end });
    }
  }
  return { index, parts, text, charCount: codePointLength(text), whole: text === passage };
}

/** The passage as it is. */
export function keepWhole(index: number, text: string): KeptPassage {
  const charCount = codePointLength(text);
  return { index, parts: [{ start: 0, end: charCount }], text, charCount, whole: true };
}
