// Offsets on the contract count Unicode code points; JavaScript indexes UTF-16 units. Only texts with characters outside
// the Basic Multilingual Plane make the two differ, so every function here is free of charge for the others.

const surrogatePair = /[\ud800-\udbff][\udc00-\udfff]/;

/** Length in Unicode code points. A lone surrogate counts as one. */
export function codePointLength(text: string): number {
  return text.length - countPairs(text);
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

/** UTF-16 indices at which surrogate pairs begin, ascending. Counted before they are written: a text of emoji has a million of them. */
function pairIndices(text: string): Uint32Array {
  const pairs = new Uint32Array(countPairs(text));
  for (let index = 0, found = 0; found < pairs.length; index += 1) {
    if (!isPair(text, index)) continue;
    pairs[found] = index;
    found += 1;
    index += 1;
  }
  return pairs;
}

function countPairs(text: string): number {
  let index = text.search(surrogatePair);
  if (index < 0) return 0;
  let count = 0;
  for (; index < text.length; index += 1) {
    if (!isPair(text, index)) continue;
    count += 1;
    index += 1;
  }
  return count;
}

function isPair(text: string, index: number): boolean {
  return isWithin(text.charCodeAt(index), 0xd800) && isWithin(text.charCodeAt(index + 1), 0xdc00);
}

/** Whether it is one of the 1,024 surrogates from `first` on; NaN, beyond the end of a text, is none. */
function isWithin(unit: number, first: number): boolean {
  return unit >= first && unit < first + 0x400;
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
