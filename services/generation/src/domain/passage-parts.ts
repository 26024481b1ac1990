import { createOffsetMap } from "@quartet/text";
import type { PassagePart, Span } from "./answerer.ts";

/**
 * Cuts a passage's text into the unbroken pieces of the document it consists of: one when `keptSpans` is empty, else one
 * per span, with exactly one character between two of them in the text.
 *
 * @returns undefined when text and offsets do not add up, so that no offset can be trusted.
 */
export function passageParts(text: string, whole: Span, keptSpans: readonly Span[]): PassagePart[] | undefined {
  const offsets = createOffsetMap(text);
  const spans = keptSpans.length === 0 ? [whole] : keptSpans;
  const parts: PassagePart[] = [];
  let from = 0;
  let documentEnd = whole.start;
  for (const span of spans) {
    if (span.start < documentEnd || span.end < span.start || span.end > whole.end) return undefined;
    const to = from + span.end - span.start;
    if (to > offsets.codePointLength) return undefined;
    parts.push({ text: text.slice(offsets.toUtf16(from), offsets.toUtf16(to)), span });
    documentEnd = span.end;
    from = to + 1;
  }
  return from - 1 === offsets.codePointLength ? parts : undefined;
}
