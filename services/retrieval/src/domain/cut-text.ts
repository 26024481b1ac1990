import { createOffsetMap, type OffsetMap } from "@quartet/text";
import type { CutPassage } from "./document.ts";
import { passageContent, sha256 } from "./passage-content.ts";
import { boundary, textUnits, trimmed, type Unit } from "./text-units.ts";

/** Sizes in code points. */
export interface PassageSizes {
  /** A passage is ended at the best boundary before it has more than this. */
  readonly target: number;
  /** No passage has more; a text that has no more is one passage. */
  readonly max: number;
  /** A sentence of at most this is repeated at the beginning of the next passage, where a paragraph had to be cut. */
  readonly overlap: number;
}

/**
 * Paragraph-sized: the documents of the evaluation sets have 900 characters on average and are best found whole, so a text up to `max` stays one
 * passage; longer ones give passages about as long as those. 1,600 characters of Korean are some 800 tokens, which embedding models with a
 * window of 512 read the most of, and those with 8,192 all of.
 */
export const defaultPassageSizes: PassageSizes = { target: 1200, max: 1600, overlap: 150 };

/**
 * Cuts a text (in NFC) into passages by its structure: before headings, else between paragraphs, list items and lines of code, else
 * between sentences, with the last sentence repeated there. Yields them in order, one by one, so that the caller can pause on
 * long texts.
 *
 * Each passage is a slice of the text without white space at its ends. Every character that is no white space is in at least one. No cut is
 * inside a grapheme, unless a single one is longer than a passage.
 */
export function* cutText(
  { text, title, mediaType }: { readonly text: string; readonly title: string; readonly mediaType: string },
  sizes: PassageSizes = defaultPassageSizes,
): Generator<CutPassage> {
  const offsets = createOffsetMap(text);
  const passage = (units: readonly Unit[]): CutPassage => {
    const [first, last] = [units[0]!, units.at(-1)!];
    const slice = text.slice(first.start, last.end);
    const { headings } = first;
    return {
      startOffset: offsets.toCodePoint(first.start),
      endOffset: offsets.toCodePoint(last.end),
      text: slice,
      headings,
      contentHash: sha256(passageContent({ title, headings, text: slice })),
    };
  };
  const lengthOf = (from: Unit, to: Unit): number => offsets.toCodePoint(to.end) - offsets.toCodePoint(from.start);
  const visible = trimmed(text, 0, text.length);
  if (visible === undefined) return;
  if (offsets.toCodePoint(visible.end) - offsets.toCodePoint(visible.start) <= sizes.max) {
    yield passage([{ ...visible, before: boundary.section, headings: [] }]);
    return;
  }
  const { end } = visible;

  let open: Unit[] = [];
  // What has no full stop is cut between words, so that every passage still finds a boundary near its end.
  const unitSizes = { maxSentence: Math.floor(sizes.target / 2), maxWhole: Math.floor(sizes.target / 3) };
  for (const unit of textUnits(text, mediaType, unitSizes)) {
    while (open.length > 0 && mustEnd(open, unit, { end, offsets, sizes, lengthOf })) {
      const count = cutIndex([...open, unit], sizes, lengthOf);
      const next = open.slice(count);
      const [before] = next.length > 0 ? next : [unit];
      const kept = before!.before === boundary.sentence ? open[count - 1] : undefined;
      yield passage(open.slice(0, count));
      const repeats = kept !== undefined && count > 1 && lengthOf(kept, kept) <= sizes.overlap;
      open = repeats && lengthOf(kept, next.at(-1) ?? unit) <= sizes.target ? [kept, ...next] : next;
    }
    open.push(unit);
  }
  if (open.length > 0) yield passage(open);
}

interface Measure {
  /** Where the text's last visible character ends. */
  readonly end: number;
  readonly offsets: OffsetMap;
  readonly sizes: PassageSizes;
  readonly lengthOf: (from: Unit, to: Unit) => number;
}

/** Whether the open passage cannot take the unit: it would be over the target, and what is left of the text does not fit either. */
function mustEnd(open: readonly Unit[], unit: Unit, { end, offsets, sizes, lengthOf }: Measure): boolean {
  const first = open[0]!;
  if (lengthOf(first, unit) <= sizes.target) return false;
  return offsets.toCodePoint(end) - offsets.toCodePoint(first.start) > sizes.max;
}

/**
 * Before which of `units` (from 1 on; the last is the one that does not fit) to cut: the strongest boundary that leaves the passage at least a third of
 * the target, the latest of equals.
 */
function cutIndex(
  units: readonly Unit[],
  { target }: PassageSizes,
  lengthOf: (from: Unit, to: Unit) => number,
): number {
  let best = units.length - 1;
  for (let index = units.length - 2; index > 0; index -= 1) {
    if (lengthOf(units[0]!, units[index - 1]!) < target / 3) break;
    if (units[index]!.before > units[best]!.before) best = index;
  }
  return best;
}
