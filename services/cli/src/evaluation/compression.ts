import { CompressionStrategy, type Passage, QuartetError } from "@quartet/client";
import { forEachConcurrently } from "../domain/concurrently.ts";
import type { DataSet, Query } from "../domain/data-set.ts";
import { holdsAnswer, passageHoldsAnswer } from "../domain/retention.ts";
import { rounded } from "../domain/statistics.ts";
import { findPassages } from "./legs.ts";
import type { Subject } from "./subject.ts";

/** Passages an answer is made from by default. */
const passageCount = 10;

export const budgets = [6000, 1500, 750] as const;

export const strategies = {
  extractive: CompressionStrategy.EXTRACTIVE,
  seed_rule: CompressionStrategy.SEED_RULE,
} as const;

export type Strategy = keyof typeof strategies;

export const strategyNames = Object.keys(strategies) as readonly Strategy[];

export interface CompressionReport {
  /** Questions with a known answer that stands, word for word, in a passage of a relevant document among the first ten. */
  readonly questions: number;
  /** The share of them whose answer still stands in the compressed text, by strategy and budget in characters. */
  readonly kept: Readonly<Partial<Record<Strategy, Readonly<Record<string, number>>>>>;
}

/**
 * Compresses what hybrid search finds, and looks for the answer in what is kept.
 *
 * @returns undefined where the server does not show its compression service, or no answer is known or found word for word
 */
export async function measureCompression(
  subject: Subject,
  { grades, answers }: DataSet,
  queries: readonly Query[],
  measured: readonly Strategy[],
): Promise<CompressionReport | undefined> {
  const settings = measured.flatMap((strategy) =>
    budgets.map((budget) => ({ key: keyOf(strategy, budget), strategy, budget })),
  );
  const kept = new Map<string, number>();
  let questions = 0;
  const measure = async ({ id, text }: Query) => {
    const right = answers.get(id) ?? [];
    if (right.length === 0) return;
    const { passages } = await findPassages(subject, text, "hybrid", passageCount);
    const judged = grades.get(id) ?? new Map<string, number>();
    const named = passages.map(({ documentId, text }) => ({ documentId: subject.originalId(documentId), text }));
    if (!passageHoldsAnswer(named, judged, right)) return;
    questions++;
    for (const { key, strategy, budget } of settings) {
      const keptText = await compress(subject, { question: text, passages, strategy, budget });
      if (holdsAnswer(keptText, right)) kept.set(key, (kept.get(key) ?? 0) + 1);
    }
  };
  try {
    await forEachConcurrently(queries, subject.concurrency, async (query) => {
      await measure(query);
      subject.onQuestion();
    });
  } catch (error) {
    if (error instanceof QuartetError && error.code === "unimplemented") return undefined;
    throw error;
  }
  if (questions === 0) return undefined;
  const share = (strategy: Strategy) =>
    Object.fromEntries(
      budgets.map((budget) => [budget, rounded((kept.get(keyOf(strategy, budget)) ?? 0) / questions, 4)]),
    );
  return { questions, kept: Object.fromEntries(measured.map((strategy) => [strategy, share(strategy)])) };
}

const keyOf = (strategy: Strategy, budget: number): string => `${strategy} ${budget}`;

interface Compression {
  readonly question: string;
  readonly passages: Passage[];
  readonly strategy: Strategy;
  readonly budget: number;
}

/** All that is kept, passage by passage. */
async function compress(subject: Subject, { question, passages, strategy, budget }: Compression): Promise<string> {
  const request = { question, passages, strategy: strategies[strategy], maxCharCount: budget };
  const response = await subject.compression.compressPassages(request, { signal: subject.signal });
  return response.passages.map(({ text }) => text).join("\n");
}
