import { describe, expect, it } from "@jest/globals";
import { inverseDocumentFrequency, lengthNorm } from "./bm25.ts";

describe("BM25", () => {
  it("is Lucene's: a worked example", () => {
    // 3 passages, one holds the term twice, its length 4 against an average of 3.
    const idf = inverseDocumentFrequency(3, 1);
    expect(idf).toBeCloseTo(Math.log(1 + 2.5 / 1.5), 12);
    expect((idf * 2) / (2 + lengthNorm(4, 3))).toBeCloseTo(0.5604, 3);
  });

  it("stays above 0 for a term that every passage holds", () => {
    expect(inverseDocumentFrequency(1000, 1000)).toBeGreaterThan(0);
  });
});
