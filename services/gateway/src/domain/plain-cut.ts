import { codePointLength, truncateToGraphemes } from "@quartet/text";
import type { Passage, Span } from "./passage.ts";

/** As many as compression keeps by default. */
const MAX_PASSAGES = 10;

/** Makes a passage that consists of less of its document. */
export type Shorten<P> = (passage: P, text: string, keptSpans: readonly Span[]) => P;

/**
 * What stands in for compression when it does not answer: the best passages whole, in their order, and the first that
 * does not fit cut at the limit, between two graphemes. Looks at nothing but length, so it cannot fail.
 */
export function cutPassagesPlainly<P extends Passage>(
  passages: readonly P[],
  maxCharCount: number,
  shorten: Shorten<P>,
): readonly P[] {
  const kept: P[] = [];
  let left = maxCharCount;
  for (const passage of passages.slice(0, MAX_PASSAGES)) {
    const length = codePointLength(passage.text);
    if (length > left) {
      const text = truncateToGraphemes(passage.text, left).trimEnd();
      const endOffset = passage.startOffset + codePointLength(text);
      if (text !== "") kept.push(shorten(passage, text, [{ startOffset: passage.startOffset, endOffset }]));
      break;
    }
    kept.push(passage);
    left -= length;
  }
  return kept;
}
