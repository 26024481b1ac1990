import { previousGraphemeBoundary, sentences } from "@quartet/text";
import { type Block, markdownBlocks, plainBlocks } from "./text-blocks.ts";

/** How much a cut before a unit hurts, from a cut inside a paragraph to a cut before a heading. */
export const boundary = { sentence: 0, line: 1, paragraph: 2, section: 3 } as const;
export type Boundary = (typeof boundary)[keyof typeof boundary];

/** A piece of a text that is not cut any further: a sentence, a line of code, a heading. UTF-16 indices, end exclusive, no white space at the ends. */
export interface Unit {
  readonly start: number;
  readonly end: number;
  /** What lies between the unit before and this one. */
  readonly before: Boundary;
  /** The headings above it, outermost first; a heading is not above itself. */
  readonly headings: readonly string[];
}

/** Longer stretches are cut into pieces of this size before they are looked at, so that no step is long: UTF-16 units. */
const maxStretch = 16_384;

/** In code points. */
export interface UnitSizes {
  /** No unit has more, except where a single grapheme has. */
  readonly maxSentence: number;
  /** A block of at most this is one unit: cutting between blocks is better than cutting within them, and sentences need not be looked for. */
  readonly maxWhole: number;
}

/** The units of a text in order, one by one so that the caller can pause. Every character that is no white space is in exactly one. */
export function* textUnits(text: string, mediaType: string, sizes: UnitSizes): Generator<Unit> {
  // Parameters such as `; charset=utf-8` say nothing about the structure.
  const isMarkdown = mediaType.split(";", 1)[0]!.trim().toLowerCase() === "text/markdown";
  const blocks = isMarkdown ? markdownBlocks(text) : plainBlocks(text);
  let first = true;
  for (const block of blocks) {
    let before: Boundary = block.kind === "heading" ? boundary.section : boundary.paragraph;
    if (block.kind === "item") before = boundary.line;
    for (const range of unitRanges(text, block, sizes)) {
      yield { ...range, before: first ? boundary.section : before, headings: block.headings };
      first = false;
      before = block.kind === "code" ? boundary.line : boundary.sentence;
    }
  }
}

interface Range {
  readonly start: number;
  readonly end: number;
}

function* unitRanges(text: string, block: Block, { maxSentence, maxWhole }: UnitSizes): Generator<Range> {
  const whole = trimmed(text, block.start, block.end);
  if (whole === undefined) return;
  // A code point has one or two units, so that none is counted here.
  if (whole.end - whole.start <= maxWhole) {
    yield whole;
    return;
  }
  for (const stretch of stretches(text, block)) {
    if (block.kind === "code") yield* lines(text, stretch, maxSentence);
    else yield* sentenceRanges(text, stretch, maxSentence);
  }
}

/** Pieces of at most `maxStretch` units, cut after a line, else after white space, else between graphemes. */
function* stretches(text: string, { start, end }: Range): Generator<Range> {
  let from = start;
  while (end - from > maxStretch) {
    const limit = from + maxStretch;
    // Looked for in the latter half alone: searched backwards, a text without any would be read to its beginning for each stretch.
    const half = from + maxStretch / 2;
    const latter = text.slice(half, limit);
    const afterBreak = latter.lastIndexOf("\n") + 1 || latter.lastIndexOf(" ") + 1;
    const to = previousGraphemeBoundary(text, afterBreak > 0 ? half + afterBreak : limit);
    // A single grapheme without end is cut all the same: it is no text of anybody's.
    const next = to > from ? to : limit;
    yield { start: from, end: next };
    from = next;
  }
  yield { start: from, end };
}

function* sentenceRanges(text: string, { start, end }: Range, maxCodePoints: number): Generator<Range> {
  let at = start;
  for (const sentence of sentences(text.slice(start, end), { maxCodePoints })) {
    // Sentences are in order and whole slices, so each begins where white space after the last one ends.
    at = text.indexOf(sentence.text, at);
    yield { start: at, end: at + sentence.text.length };
    at += sentence.text.length;
  }
}

function* lines(text: string, { start, end }: Range, maxCodePoints: number): Generator<Range> {
  for (let from = start; from < end;) {
    const newline = text.indexOf("\n", from);
    const to = newline < 0 || newline >= end ? end : newline + 1;
    const line = trimmed(text, from, to);
    if (line !== undefined) {
      if (line.end - line.start <= maxCodePoints) yield line;
      else yield* sentenceRanges(text, line, maxCodePoints);
    }
    from = to;
  }
}

/** The range without white space at its ends; undefined where nothing is left. */
export function trimmed(text: string, start: number, end: number): Range | undefined {
  const part = text.slice(start, end);
  const from = start + part.length - part.trimStart().length;
  const to = start + part.trimEnd().length;
  return from < to ? { start: from, end: to } : undefined;
}
