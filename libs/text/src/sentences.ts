import { createOffsetMap } from "./code-points.ts";
import { nextGraphemeBoundary, previousGraphemeBoundary } from "./graphemes.ts";
import { withSoftBreaksAsSpaces } from "./line-breaks.ts";
import { localeOf } from "./locale.ts";
import { continuesAfter } from "./sentence-ends.ts";

/** A part of a text, without the white space around it. `start` and `end` are code point offsets, `end` exclusive. */
export interface Sentence {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export interface SentenceOptions {
  /** No sentence is longer than this many code points; a longer one is cut between words, or else graphemes. Default 600. */
  readonly maxCodePoints?: number;
}

/** UTF-16 indices, end exclusive. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * Cuts a text into sentences by Unicode's rules (UAX #29, Intl.Segmenter), repaired where those are wrong for real
 * documents: abbreviations and initials (Mr., e.g., U.S.), list markers and dotted dates (1., 2024. 5. 30.), lines
 * broken by a page's width, and texts without any full stop.
 *
 * Sentences are in order and do not overlap; what lies between them is white space only; no boundary is inside a
 * grapheme. A text without anything but white space has none.
 */
export function sentences(text: string, { maxCodePoints = 600 }: SentenceOptions = {}): Sentence[] {
  const offsets = createOffsetMap(text);
  const found: Sentence[] = [];
  for (const whole of sentenceRanges(text)) {
    for (const { start, end } of cutLong(text, whole, Math.max(1, maxCodePoints))) {
      found.push({
        text: text.slice(start, end),
        start: offsets.toCodePoint(start),
        end: offsets.toCodePoint(end),
      });
    }
  }
  return found;
}

const segmenters = new Map<string, Intl.Segmenter>();

function segmenterFor(locale: string): Intl.Segmenter {
  let segmenter = segmenters.get(locale);
  if (!segmenter) {
    segmenter = new Intl.Segmenter(locale, { granularity: "sentence" });
    segmenters.set(locale, segmenter);
  }
  return segmenter;
}

/** Trimmed ranges of whole sentences, however long. */
function* sentenceRanges(text: string): Generator<Range> {
  // Same length as the text, so that indices hold for both.
  const joined = withSoftBreaksAsSpaces(text);
  let open: Range | undefined;
  for (const { index, segment } of segmenterFor(localeOf(text)).segment(joined)) {
    const next = { start: index, end: index + segment.length };
    if (open && !continuesAfter(joined, open.start, next.start)) {
      yield* trimmed(text, open);
      open = next;
    } else {
      open = { start: open?.start ?? next.start, end: next.end };
    }
  }
  if (open) yield* trimmed(text, open);
}

/** The range without white space at its ends; nothing where nothing is left. */
function* trimmed(text: string, { start, end }: Range): Generator<Range> {
  const part = text.slice(start, end);
  const from = start + part.length - part.trimStart().length;
  const to = start + part.trimEnd().length;
  if (from < to) yield { start: from, end: to };
}

function* cutLong(text: string, { start, end }: Range, maxCodePoints: number): Generator<Range> {
  let from = start;
  // A code point takes at most two units: shorter ranges need no counting.
  while (end - from > maxCodePoints) {
    const limit = indexAfter(text, from, maxCodePoints);
    if (limit >= end) break;
    const cut = cutBefore(text, from, limit);
    yield* trimmed(text, { start: from, end: cut });
    from = cut;
  }
  yield* trimmed(text, { start: from, end });
}

/** The index `count` code points after `from`. */
function indexAfter(text: string, from: number, count: number): number {
  let index = from;
  for (let left = count; left > 0 && index < text.length; left -= 1) {
    index += text.codePointAt(index)! > 0xffff ? 2 : 1;
  }
  return index;
}

/** The best place to cut in (from, limit]: after white space in the second half, else between graphemes, else at the limit. */
function cutBefore(text: string, from: number, limit: number): number {
  for (let index = limit; index > from + (limit - from) / 2; index -= 1) {
    if (/\s/.test(text[index - 1]!) && previousGraphemeBoundary(text, index) === index) return index;
  }
  const boundary = previousGraphemeBoundary(text, limit);
  // A single grapheme longer than the limit (marks without end) stays whole rather than being split.
  return boundary > from ? boundary : nextGraphemeBoundary(text, limit);
}
