import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { evaluationSet } from "@quartet/testing";
import { judgedPart } from "../src/data-sets.ts";
import { quartet, temporaryFolder } from "../src/processes.ts";

interface Report {
  readonly legs: Record<"keyword" | "vector" | "hybrid", { readonly ndcg_at_10: number }>;
  readonly compression: { readonly kept: { readonly extractive: Record<"6000" | "1500" | "750", number> } };
  /** Shares of questions that were answered with "the documents hold no answer": the set's own, and those of another set. */
  readonly refusal: { readonly answerable: { readonly share: number }; readonly foreign: { readonly share: number } };
}

/** The least nDCG@10 of hybrid search on the defaults; what was measured is in deploy/decisions. */
const floors = { "autorag-ko": 0.92, "squad2-dev": 0.87, cranfield: 0.42 };

const sets = Object.entries(floors).map(([name, floor]) => ({ name, floor, folder: evaluationSet(name) }));
const available = sets.every(({ folder }) => folder !== undefined);

/** Questions of aerodynamics, to which an encyclopedia has no answer. */
const foreignQuestions = (name: string) =>
  name === "squad2-dev" ? ["--refusal-queries", path.join(evaluationSet("cranfield") ?? "", "queries.jsonl")] : [];

/** What is asked of a set here, and no more: what the seed's rule keeps, and which questions of its own a set cannot answer, are figures without a limit. */
async function evaluate(name: string, folder: string): Promise<Report> {
  await using part = await temporaryFolder();
  const judged = await judgedPart(folder, path.join(part.path, name));
  const args = ["eval", judged, "--json", "--strategy", "extractive", ...foreignQuestions(name)];
  const { code, stdout, stderr } = await quartet(args);
  if (code !== 0) throw new Error(`quartet eval ${name} ended with ${code}:\n${stderr}`);
  return JSON.parse(stdout) as Report;
}

(available ? describe : describe.skip)("quality on the defaults", () => {
  const reports = new Map<string, Report>();
  beforeAll(async () => {
    for (const { name, folder } of sets) reports.set(name, await evaluate(name, folder ?? ""));
  }, 600_000);
  afterAll(() => reports.clear());

  it.each(sets)("$name: hybrid reaches $floor and is not below the better leg by more than .002", ({ name, floor }) => {
    const { keyword, vector, hybrid } = reports.get(name)!.legs;
    expect(hybrid.ndcg_at_10).toBeGreaterThanOrEqual(floor);
    expect(hybrid.ndcg_at_10).toBeGreaterThanOrEqual(Math.max(keyword.ndcg_at_10, vector.ndcg_at_10) - 0.002);
  });

  it("hybrid is above keywords alone on the mean of the sets", () => {
    const mean = (leg: keyof Report["legs"]) =>
      [...reports.values()].reduce((sum, { legs }) => sum + legs[leg].ndcg_at_10, 0) / reports.size;
    expect(mean("hybrid")).toBeGreaterThan(mean("keyword"));
  });

  it("compression keeps the answer", () => {
    const { extractive } = reports.get("squad2-dev")!.compression.kept;
    expect(extractive["6000"]).toBeGreaterThanOrEqual(0.99);
    expect(extractive["1500"]).toBeGreaterThanOrEqual(0.94);
    expect(extractive["750"]).toBeGreaterThanOrEqual(0.89);
  });

  it("questions without an answer are refused, and few others, by one setting for both languages", () => {
    expect(reports.get("squad2-dev")!.refusal.foreign.share).toBeGreaterThanOrEqual(0.9);
    expect(reports.get("squad2-dev")!.refusal.answerable.share).toBeLessThanOrEqual(0.08);
    expect(reports.get("autorag-ko")!.refusal.answerable.share).toBeLessThanOrEqual(0.08);
  });
});
