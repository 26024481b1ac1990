import { readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "@jest/globals";
import { evaluationSet } from "@quartet/testing";
import { compress, type Strategy } from "../src/domain/compress.ts";
import type { RankedPassage } from "../src/domain/types.ts";
import { createBm25 } from "./bm25.ts";

interface Case {
  readonly question: string;
  readonly passages: readonly RankedPassage[];
  readonly answers: readonly string[];
}

const folder = evaluationSet("squad2-dev");

/** Not all, so that the test takes seconds; the share kept of all 2,819 differs by less than .005. */
const EVERY = 4;

/** Answerable questions whose passage keyword search finds among its best ten. */
function readCases(): Case[] {
  const lines = <T>(file: string) =>
    readFileSync(path.join(folder ?? "", file), "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as T);
  const corpus = lines<{ id: string; title: string; text: string }>("corpus.jsonl");
  const gold = lines<{ id: string; answers: string[]; doc: string; answerable: boolean }>("answers.jsonl");
  const questions = new Map(lines<{ id: string; text: string }>("queries.jsonl").map(({ id, text }) => [id, text]));
  const search = createBm25(corpus.map(({ title, text }) => `${title} ${text}`));
  const sample = gold.filter(({ answerable }) => answerable).filter((_, index) => index % EVERY === 0);
  return sample.flatMap(({ id, answers, doc }) => {
    const question = questions.get(id);
    if (question === undefined) return [];
    const found = search(question);
    if (!found.some(({ index }) => corpus[index]!.id === doc)) return [];
    const passages = found.map(({ index, score }) => ({ text: corpus[index]!.text, score: score / found[0]!.score }));
    return [{ question, passages, answers }];
  });
}

(folder !== undefined ? describe : describe.skip)("what compression keeps of squad2-dev's answers", () => {
  let cases: readonly Case[] = [];
  beforeAll(() => {
    cases = readCases();
  });

  const kept = (strategy: Strategy, maxCharCount: number) => {
    const holds = ({ question, passages, answers }: Case) => {
      const compressed = compress(question, passages, { strategy, maxCharCount });
      return compressed.kept.some(({ text }) => answers.some((answer) => text.includes(answer)));
    };
    return cases.filter(holds).length / cases.length;
  };

  it("looks at enough of them", () => {
    expect(cases.length).toBeGreaterThan(650);
  });

  it.each([
    [6_000, 0.99],
    [1_500, 0.94],
    [750, 0.89],
  ])("at %d characters, at least %d of them", (maxCharCount, least) => {
    expect(kept("EXTRACTIVE", maxCharCount)).toBeGreaterThanOrEqual(least);
  });

  it.each([6_000, 1_500, 750])("more than the seed's rule keeps at %d characters", (maxCharCount) => {
    expect(kept("EXTRACTIVE", maxCharCount)).toBeGreaterThan(kept("SEED_RULE", maxCharCount));
  });
});
