import { FinishReason } from "@quartet/client";
import { patiently } from "../adapters/patiently.ts";
import { forEachConcurrently } from "../domain/concurrently.ts";
import type { Query } from "../domain/data-set.ts";
import { rounded } from "../domain/statistics.ts";
import { type Subject, within } from "./subject.ts";

export interface RefusalShare {
  readonly asked: number;
  /** Questions whose answer says that the documents hold none. */
  readonly refused: number;
  readonly share: number;
}

/** Asks questions, and counts those that are refused; undefined of none. */
export async function measureRefusal(subject: Subject, queries: readonly Query[]): Promise<RefusalShare | undefined> {
  if (queries.length === 0) return undefined;
  let refused = 0;
  await forEachConcurrently(queries, subject.concurrency, async ({ text }) => {
    const request = { question: text, search: within(subject) };
    const { finishReason } = await patiently(
      () => subject.client.answers.answerQuestion(request, { signal: subject.signal }),
      subject.signal,
    );
    if (finishReason === FinishReason.NO_ANSWER) refused++;
    subject.onQuestion();
  });
  return { asked: queries.length, refused, share: rounded(refused / queries.length, 4) };
}
