import { codePointLength } from "@quartet/text";
import { extractive } from "./extractive.ts";
import { seedRule } from "./seed-rule.ts";
import type { KeptPassage, RankedPassage } from "./types.ts";

export type Strategy = "EXTRACTIVE" | "SEED_RULE";

export interface CompressOptions {
  /** Default: EXTRACTIVE; without a question always SEED_RULE. */
  readonly strategy?: Strategy | undefined;
  /** The most code points to keep in all, separators included. Default: 6,000. */
  readonly maxCharCount?: number | undefined;
  /** Default: 10 for EXTRACTIVE, 3 for SEED_RULE. */
  readonly maxPassageCount?: number | undefined;
}

export interface Compressed {
  /** Best first. Empty only when nothing fits. */
  readonly kept: readonly KeptPassage[];
  /** Code points of all passages given. */
  readonly originalCharCount: number;
  readonly keptCharCount: number;
  readonly strategy: Strategy;
}

export const DEFAULT_MAX_CHAR_COUNT = 6_000;
const DEFAULT_MAX_PASSAGE_COUNT: Readonly<Record<Strategy, number>> = { EXTRACTIVE: 10, SEED_RULE: 3 };

/** Cuts passages, given in any order, to what a prompt can hold. Pure: equal input gives equal output. */
export function compress(
  question: string,
  passages: readonly RankedPassage[],
  options: CompressOptions = {},
): Compressed {
  const strategy = question.trim() === "" ? "SEED_RULE" : (options.strategy ?? "EXTRACTIVE");
  const maxCharCount = options.maxCharCount ?? DEFAULT_MAX_CHAR_COUNT;
  const maxPassageCount = options.maxPassageCount ?? DEFAULT_MAX_PASSAGE_COUNT[strategy];
  const best = passages
    .map((passage, index) => ({ passage, index }))
    .sort((left, right) => right.passage.score - left.passage.score || left.index - right.index)
    .slice(0, maxPassageCount);
  const ranked = best.map(({ passage }) => passage);
  const kept =
    strategy === "SEED_RULE" ? seedRule(ranked, { maxCharCount }) : extractive(question, ranked, { maxCharCount });
  return {
    kept: kept.map((passage) => ({ ...passage, index: best[passage.index]!.index })),
    originalCharCount: sum(passages.map(({ text }) => codePointLength(text))),
    keptCharCount: sum(kept.map(({ charCount }) => charCount)),
    strategy,
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
