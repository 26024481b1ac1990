import { previousGraphemeBoundary } from "@quartet/text";

/** Cuts a stream of text so that no piece ends inside a grapheme or a `[n]`. */
export interface WholePieces {
  /** Takes more text; returns what is surely whole, which may be nothing. */
  push(text: string): string;
  /** Returns the rest. */
  finish(): string;
}

/** A mark, or the beginning of one, at the end. */
const markAtEnd = /\[\d{0,3}(?:\][\p{M}\u200c\u200d]*)?$/u;
/** No real grapheme has more UTF-16 units; text that piles up marks without end is passed on as it comes. */
const MAX_GRAPHEME_UNITS = 1_024;
const halfPairAtEnd = /[\ud800-\udbff]$/;

/**
 * Holds back the last grapheme until the next begins (a combining mark, a joiner or the second half of a surrogate pair
 * may follow in the next delta), and a mark of citation until it is over. Lone surrogates become U+FFFD.
 */
export function createWholePieces(): WholePieces {
  let pending = "";
  return {
    push(text) {
      pending += text;
      // Half a surrogate pair says nothing yet about what it will join.
      const known = pending.replace(halfPairAtEnd, "");
      const beforeLast = previousGraphemeBoundary(known, known.length - 1);
      const isReal = known.length - beforeLast <= MAX_GRAPHEME_UNITS;
      const cut = Math.min(isReal ? beforeLast : known.length, markAtEnd.exec(known)?.index ?? known.length);
      const piece = pending.slice(0, cut).toWellFormed();
      pending = pending.slice(cut);
      return piece;
    },
    finish() {
      const piece = pending.toWellFormed();
      pending = "";
      return piece;
    },
  };
}
