/** A passage as the domain sees it: `score` ranks passages, 0 to 1. */
export interface RankedPassage {
  readonly text: string;
  readonly score: number;
}

/** A range of one passage's text in Unicode code points, `end` exclusive. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** What is left of one passage. */
export interface KeptPassage {
  /** Its place in the list that was given. */
  readonly index: number;
  /** The parts of the passage's text that `text` consists of, in order, one character between two of them. */
  readonly parts: readonly TextRange[];
  readonly text: string;
  /** Length of `text` in code points. */
  readonly charCount: number;
  /** Whether `text` is the passage's own, untouched. */
  readonly whole: boolean;
}
