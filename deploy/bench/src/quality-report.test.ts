import { describe, expect, it } from "@jest/globals";
import { toQualitySvg } from "./quality-report.ts";

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
