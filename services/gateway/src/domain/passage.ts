/** A range of characters (Unicode code points) of a document's stored text; the end is exclusive. */
export interface Span {
  readonly startOffset: number;
  readonly endOffset: number;
}

/** What the rules here read of a passage; the contract's own message has this shape, so none is copied on its way through. */
export interface Passage extends Span {
  readonly documentId: string;
  readonly ordinal: number;
  readonly title: string;
  readonly text: string;
  /** In [0, 1]. */
  readonly score: number;
  readonly uri: string;
  readonly documentVersion: bigint;
  /** The parts of the document that `text` consists of; empty when it is whole. */
  readonly keptSpans: readonly Span[];
  /** Which sources found it. */
  readonly hits: readonly { readonly source: string }[];
}
