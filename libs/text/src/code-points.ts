// Offsets on the contract count Unicode code points; JavaScript indexes UTF-16 units. Only texts with characters outside
// the Basic Multilingual Plane make the two differ, so every function here is free of charge for the others.

const surrogatePair = /[\ud800-\udbff][\udc00-\udfff]/;
const surrogatePairs = new RegExp(surrogatePair, "g");

/** Length in Unicode code points. A lone surrogate counts as one. */
export function codePointLength(text: string): number {
  let pairs = 0;
  if (surrogatePair.test(text)) pairs = text.match(surrogatePairs)!.length;
  return text.length - pairs;
}

/**
 * The part from code point `start` up to, not including, code point `end` (default: the end of the text).
 * Offsets outside the text are clamped to it.
 */
export function sliceByCodePoints(text: string, start: number, end = Number.POSITIVE_INFINITY): string {
  const offsets = createOffsetMap(text);
  return text.slice(offsets.toUtf16(start), offsets.toUtf16(end));
}

/** Converts between UTF-16 indices and code point offsets of one text. Offsets outside the text are clamped to it. */
export interface OffsetMap {
  /** Length of the text in code points. */
  readonly codePointLength: number;
  /** The code point offset of a UTF-16 index; an index inside a surrogate pair gives the pair's own offset. */
  toCodePoint(utf16Index: number): number;
  /** The UTF-16 index of a code point offset. */
  toUtf16(codePointOffset: number): number;
}

/**
 * Built once per text in O(length); each conversion is a binary search over the surrogate pairs, so a text of the
 * Basic Multilingual Plane converts in constant time and keeps nothing.
 */
export function createOffsetMap(text: string): OffsetMap {
  const pairs = pairIndices(text);
  const length = text.length - pairs.length;
  return {
    codePointLength: length,
    toCodePoint(utf16Index) {
      const index = clamp(utf16Index, text.length);
      // Pairs that end at or before the index take one unit more than they count.
      return index - countBelow(pairs, index, 0);
    },
    toUtf16(codePointOffset) {
      const offset = clamp(codePointOffset, length);
      // The pair with number i begins at code point pairs[i] - i.
      return offset + countBelow(pairs, offset, 1);
    },
  };
}

/** UTF-16 indices at which surrogate pairs begin, ascending. */
function pairIndices(text: string): Uint32Array {
  if (!surrogatePair.test(text)) return new Uint32Array(0);
  return Uint32Array.from(text.matchAll(surrogatePairs), (match) => match.index);
}

/** How many entries satisfy `sorted[i] - i * step < limit`; the left side never falls with i. */
function countBelow(sorted: Uint32Array, limit: number, step: 0 | 1): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! - middle * step < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

function clamp(value: number, maximum: number): number {
  return Math.min(Math.max(value, 0), maximum);
}
