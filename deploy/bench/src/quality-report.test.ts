import { describe, expect, it } from "@jest/globals";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { type QualityRun, toQualitySvg, wanted } from "./quality-report.ts";

const run = (dataset: string, reranker: string | null, hybrid: number) => ({
  dataset,
  reranker,
  legs: { keyword: { ndcg_at_10: 0.5 }, vector: { ndcg_at_10: 0.4 }, hybrid: { ndcg_at_10: hybrid } },
});

describe("the plot of the quality", () => {
  it("draws the legs once, both without and with the reranker, and what was wanted", () => {
    const svg = toQualitySvg([
      run("cranfield", "builtin", 0.75),
      run("cranfield", "none", 0.625),
      run("<다른>", null, 0.6),
    ]);
    expect(svg.match(/height="14"/g)).toHaveLength(7);
    expect(svg).toContain("cranfield: keywords");
    expect(svg).toContain("both, reranker builtin");
    expect(svg).toContain("&lt;다른>: keywords");
    expect(svg.match(/<line/g)).toHaveLength(2);
    expect(svg).toContain(".6250");
    expect(svg).not.toMatch(/NaN|undefined/);
  });
});

describe("the runs in the docs", () => {
  const folder = path.resolve(import.meta.dirname, "../../docs/quality");
  const read = async (name: string) =>
    JSON.parse(await readFile(path.join(folder, name), "utf8")) as QualityRun & {
      readonly quantisation: { readonly recall_at_10: number } | null;
    };

  it("reach what each set is to reach, and lose a percent at most by a byte a component", async () => {
    const names = await readdir(folder);
    for (const [set, { target }] of Object.entries(wanted)) {
      expect(names).toContain(`${set}-none.json`);
      const { legs, quantisation } = await read(`${set}-builtin.json`);
      expect(legs.hybrid.ndcg_at_10).toBeGreaterThanOrEqual(target);
      expect(quantisation!.recall_at_10).toBeGreaterThanOrEqual(0.99);
    }
  });

  it("are better with the built-in reranker than without, and no set loses more than .002", async () => {
    const gains: number[] = [];
    for (const set of Object.keys(wanted)) {
      const [without, reranked] = await Promise.all([read(`${set}-none.json`), read(`${set}-builtin.json`)]);
      gains.push(reranked.legs.hybrid.ndcg_at_10 - without.legs.hybrid.ndcg_at_10);
    }
    expect(Math.min(...gains)).toBeGreaterThanOrEqual(-0.002);
    expect(gains.reduce((sum, gain) => sum + gain, 0)).toBeGreaterThan(0);
  });
});
