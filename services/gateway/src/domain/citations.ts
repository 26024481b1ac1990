import type { Passage, Span } from "./passage.ts";

/** What a `[n]` in an answer refers to. */
export interface Citation extends Span {
  /** The n, from 1. */
  readonly number: number;
  readonly documentId: string;
  readonly documentVersion: bigint;
  readonly title: string;
  readonly uri: string;
  /** The document's stored text between the offsets, character for character. */
  readonly text: string;
  /** The parts the answer rests on; empty means all of it. */
  readonly highlights: readonly Span[];
  readonly score: number;
  readonly sources: readonly string[];
}

/** A citation as generation knows it: it saw shortened texts only. */
export interface CitedPassage extends Span {
  readonly number: number;
  readonly highlights: readonly Span[];
}

/**
 * Numbers the passages that an answer may cite: the n-th shown one is `[n]`. A citation carries the passage as it stands in
 * the document, which is the one that was found; the shown one says by `keptSpans` which parts of it the answer could rest on.
 */
export function numberCitations(shown: readonly Passage[], found: readonly Passage[]): readonly Citation[] {
  return shown.map((passage, index) => {
    const whole = found.find((each) => each.documentId === passage.documentId && each.ordinal === passage.ordinal);
    return toCitation(index + 1, whole ?? passage, passage.keptSpans);
  });
}

/** Those of the possible citations that the answer makes, by number, marked with the parts it rests on. */
export function selectCitations(possible: readonly Citation[], cited: readonly CitedPassage[]): readonly Citation[] {
  return cited
    .toSorted((one, other) => one.number - other.number)
    .flatMap((each) => {
      const citation = possible[each.number - 1];
      return citation === undefined ? [] : [{ ...citation, highlights: highlightsOf(each, citation) }];
    });
}

function toCitation(number: number, passage: Passage, keptSpans: readonly Span[]): Citation {
  const { documentId, documentVersion, title, uri, text, startOffset, endOffset, score } = passage;
  const sources = [...new Set(passage.hits.map(({ source }) => source))];
  const highlights = keptSpans.map((span) => ({ startOffset: span.startOffset, endOffset: span.endOffset }));
  return { number, documentId, documentVersion, title, uri, text, startOffset, endOffset, highlights, score, sources };
}

/** Generation's own marks where it made any, or the narrower part it cited; else what it was shown. */
function highlightsOf(cited: CitedPassage, citation: Citation): readonly Span[] {
  if (cited.highlights.length > 0) return cited.highlights;
  const narrower =
    cited.endOffset > cited.startOffset &&
    cited.startOffset >= citation.startOffset &&
    cited.endOffset <= citation.endOffset &&
    cited.endOffset - cited.startOffset < citation.endOffset - citation.startOffset;
  return narrower ? [{ startOffset: cited.startOffset, endOffset: cited.endOffset }] : citation.highlights;
}
