import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "@jest/globals";
import { evaluationSet } from "@quartet/testing";
import { createExtractiveAnswerer } from "../src/domain/extractive-answerer.ts";
import type { Passage } from "../src/domain/answerer.ts";
import { createKeywordSearch, type TestDocument } from "./keyword-search.ts";

const names = ["squad2-dev", "autorag-ko", "cranfield"] as const;
const available = names.every((name) => evaluationSet(name) !== undefined);

interface TestQuestion {
  readonly id: string;
  readonly text: string;
  readonly answerable?: boolean;
  readonly answers?: readonly string[];
}

const linesOf = <T>(name: string, file: string): T[] =>
  readFileSync(path.join(evaluationSet(name) ?? "", file), "utf8")
    .normalize("NFC")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);

/** One in so many of squad2-dev's 2,910 answerable questions is asked. */
const EVERY = 3;

/** How many passages retrieval hands on. */
const PASSAGES = 10;

interface Answered {
  readonly refused: boolean;
  readonly text: string;
}

async function answerAll(
  questions: readonly TestQuestion[],
  search: (question: string, count: number) => Passage[],
): Promise<Answered[]> {
  const answerer = createExtractiveAnswerer();
  const { signal } = new AbortController();
  const answered: Answered[] = [];
  for (const { text: question } of questions) {
    let [text, refused] = ["", false];
    for await (const event of answerer.answer(question, search(question, PASSAGES), { signal })) {
      if (event.kind === "text") text += event.text;
      else refused = event.finishReason === "no-answer";
    }
    answered.push({ refused, text });
  }
  return answered;
}

const shareOf = <T>(items: readonly T[], predicate: (item: T, index: number) => boolean): number =>
  items.filter(predicate).length / items.length;
const refusals = (answered: readonly Answered[]) => shareOf(answered, ({ refused }) => refused);

(available ? describe : describe.skip)("quoted answers on the evaluation sets", () => {
  const search = (name: string) => createKeywordSearch(linesOf<TestDocument>(name, "corpus.jsonl"));
  const answers = () =>
    new Map(linesOf<TestQuestion>("squad2-dev", "answers.jsonl").map((each) => [each.id, each.answers]));

  it("are given to questions the documents answer, and refused to others, by one rule for both languages", async () => {
    const [squad, autorag] = [search("squad2-dev"), search("autorag-ko")];
    const answerable = linesOf<TestQuestion>("squad2-dev", "queries.jsonl")
      .filter(({ answerable }) => answerable)
      .filter((_, index) => index % EVERY === 0);
    const golden = answers();
    const onSquad = await answerAll(answerable, squad);
    const foreign = await answerAll(linesOf("cranfield", "queries.jsonl"), squad);
    const onAutorag = await answerAll(linesOf("autorag-ko", "queries.jsonl"), autorag);
    const kept = shareOf(onSquad, ({ text }, index) =>
      golden.get(answerable[index]!.id)!.some((gold) => text.includes(gold)),
    );
    const report = {
      "squad2-dev answerable, refused": refusals(onSquad),
      "autorag-ko, refused": refusals(onAutorag),
      "cranfield asked of squad2-dev, refused": refusals(foreign),
      "squad2-dev answerable, gold answer quoted": kept,
    };
    process.stderr.write(`${JSON.stringify(report)}\n`);
    expect(report["squad2-dev answerable, refused"]).toBeLessThanOrEqual(0.08);
    expect(report["autorag-ko, refused"]).toBeLessThanOrEqual(0.08);
    expect(report["cranfield asked of squad2-dev, refused"]).toBeGreaterThanOrEqual(0.9);
    expect(kept).toBeGreaterThanOrEqual(0.75);
  }, 120_000);
});
