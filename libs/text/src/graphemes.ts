const segmenter = new Intl.Segmenter("und", { granularity: "grapheme" });

/** Text in which every UTF-16 unit is surely a grapheme of its own, so that a cut anywhere is safe. CR LF is not. */
const plainText = /^[\n\x20-\x7e\uac00-\ud7a3\u4e00-\u9fff]*$/;

/** True when a cut before UTF-16 index `index` does not split a grapheme (a user-perceived character). */
export function isGraphemeBoundary(text: string, index: number): boolean {
  return previousGraphemeBoundary(text, index) === index;
}

/**
 * The last UTF-16 index at or before `index` at which no grapheme is split.
 * Looks only at the neighbourhood of the index, so it is cheap on long texts.
 */
export function previousGraphemeBoundary(text: string, index: number): number {
  if (index <= 0) return 0;
  if (index >= text.length) return text.length;
  if (plainText.test(text.slice(index - 1, index + 1))) return index;
  const from = safeStart(text, index);
  let boundary = from;
  for (const { index: start, segment } of segmenter.segment(text.slice(from, index + lookAheadUnits))) {
    const end = from + start + segment.length;
    if (end > index) return boundary;
    boundary = end;
    if (end === index) return index;
  }
  return boundary;
}

/** The longest beginning of the text that has at most `maxCodePoints` code points and ends between two graphemes. */
export function truncateToGraphemes(text: string, maxCodePoints: number): string {
  if (text.length <= maxCodePoints) return text;
  let index = 0;
  for (let count = 0; count < maxCodePoints && index < text.length; count += 1) {
    index += text.codePointAt(index)! > 0xffff ? 2 : 1;
  }
  return text.slice(0, previousGraphemeBoundary(text, index));
}

/**
 * The first index after `index` at which no grapheme is split. A grapheme without end (marks upon marks) counts as
 * ended after some 65,000 units.
 */
export function nextGraphemeBoundary(text: string, index: number): number {
  const from = previousGraphemeBoundary(text, index);
  const first = segmenter.segment(text.slice(from, from + maxGraphemeUnits)).containing(0);
  return Math.min(text.length, from + (first?.segment.length ?? 1));
}

/** A grapheme is told apart from its predecessor by what lies between them; one character past the index is enough. */
const lookAheadUnits = 2;
/** How far back the beginning of a grapheme is looked for. Longer ones are noise, and must not cost a scan of the text. */
const lookBackUnits = 1_024;
const maxGraphemeUnits = 65_536;

/** A place before `index` that surely begins a grapheme: after a plain character, or far enough back. */
function safeStart(text: string, index: number): number {
  const last = Math.max(0, index - lookBackUnits);
  for (let at = index - 1; at > last; at -= 1) {
    if (plainText.test(text.slice(at - 1, at + 1))) return at;
  }
  return last;
}
