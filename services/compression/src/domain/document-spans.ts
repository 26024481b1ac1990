import type { TextRange } from "./types.ts";

/**
 * Where parts of a passage's text stand in its document.
 *
 * @param spans the document's parts that the passage's text consists of, in order, with one character between two of them in the text.
 * @param parts ranges of the passage's text, in order, neither beginning nor ending on such a character between.
 * @returns ranges of the document, in order; a part that goes over the end of a span gives one for each, so that between
 * two of the result there is again one character.
 */
export function toDocumentSpans(spans: readonly TextRange[], parts: readonly TextRange[]): TextRange[] {
  const found: TextRange[] = [];
  let from = 0;
  for (const span of spans) {
    const to = from + span.end - span.start;
    for (const part of parts) {
      const start = Math.max(part.start, from);
      const end = Math.min(part.end, to);
      if (start < end) found.push({ start: span.start + start - from, end: span.start + end - from });
    }
    from = to + 1;
  }
  return found;
}
