import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { documentsOf, ndcg, recall, reciprocalRank } from "./ranking-metrics.ts";

const grades = (record: Record<string, number>) => new Map(Object.entries(record));

describe("nDCG", () => {
  it("is the textbook's: Järvelin and Kekäläinen's grades 3 2 3 0 1 2, log2 discount, linear gain", () => {
    const judged = grades({ a: 3, b: 2, c: 3, d: 0, e: 1, f: 2 });
    // DCG = 3 + 2/1.58496 + 3/2 + 0 + 1/2.58496 + 2/2.80735 = 6.861127; ideal 3 3 2 2 1 0 = 7.140995.
    expect(ndcg(["a", "b", "c", "d", "e", "f"], judged, 6)).toBeCloseTo(6.861127 / 7.140995, 6);
  });

  it("is pytrec_eval's on its README's example", () => {
    // qrel q1 {d1: 0, d2: 1, d3: 0}, run {d1: 1.0, d2: 0.0, d3: 1.5}; q2 {d2: 1, d3: 1}, run {d1: 1.5, d2: 0.2, d3: 0.5}.
    expect(ndcg(["d3", "d1", "d2"], grades({ d1: 0, d2: 1, d3: 0 }), 10)).toBeCloseTo(0.5, 12);
    expect(ndcg(["d1", "d3", "d2"], grades({ d2: 1, d3: 1 }), 10)).toBeCloseTo(0.6934264036172708, 12);
  });

  it("takes the ideal from all judged documents, and no more than the depth", () => {
    const judged = grades({ a: 1, b: 1, c: 1 });
    expect(ndcg(["a"], judged, 10)).toBeCloseTo(1 / (1 + 1 / Math.log2(3) + 0.5), 12);
    expect(ndcg(["a", "b"], judged, 2)).toBe(1);
    expect(ndcg(["x", "a"], judged, 1)).toBe(0);
  });

  it("counts a grade below 0 as nothing", () => {
    expect(ndcg(["bad", "a"], grades({ bad: -1, a: 1 }), 10)).toBeCloseTo(1 / Math.log2(3), 12);
  });
});

describe("recall and reciprocal rank", () => {
  it("count relevant documents within the depth", () => {
    const judged = grades({ a: 2, b: 1, c: 0 });
    expect(recall(["c", "x", "b"], judged, 3)).toBe(0.5);
    expect(recall(["c", "x", "b"], judged, 2)).toBe(0);
    expect(reciprocalRank(["c", "x", "b", "a"], judged, 10)).toBeCloseTo(1 / 3, 12);
    expect(reciprocalRank(["c", "x", "b", "a"], judged, 2)).toBe(0);
  });

  it("are 0 where nothing is relevant or nothing was found", () => {
    for (const metric of [ndcg, recall, reciprocalRank]) {
      expect(metric(["a"], grades({ a: 0 }), 10)).toBe(0);
      expect(metric([], grades({ a: 1 }), 10)).toBe(0);
    }
  });
});

describe("any ranking", () => {
  const ids = Array.from({ length: 15 }, (_, index) => `d${index}`);
  const judged = fc.dictionary(fc.constantFrom(...ids), fc.integer({ min: 0, max: 4 })).map(grades);
  const ranking = fc.shuffledSubarray(ids);
  const depth = fc.integer({ min: 1, max: 12 });

  it("has metrics between 0 and 1", () => {
    fc.assert(
      fc.property(ranking, judged, depth, (found, known, at) => {
        for (const metric of [ndcg, recall, reciprocalRank]) {
          const value = metric(found, known, at);
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1 + 1e-12);
        }
      }),
    );
  });

  it("is best in the order of grades", () => {
    fc.assert(
      fc.property(ranking, judged, depth, (found, known, at) => {
        const ideal = [...known].sort(([, a], [, b]) => b - a).map(([id]) => id);
        expect(ndcg(ideal, known, at)).toBeGreaterThanOrEqual(ndcg(found, known, at) - 1e-12);
      }),
    );
  });

  it("never loses when a document is swapped with a better one behind it", () => {
    fc.assert(
      fc.property(ranking, judged, depth, fc.nat(), fc.nat(), (found, known, at, one, other) => {
        fc.pre(found.length > 1);
        const [first, second] = [one % found.length, other % found.length].sort((a, b) => a - b) as [number, number];
        fc.pre((known.get(found[second]!) ?? 0) >= (known.get(found[first]!) ?? 0));
        const swapped = found.with(first, found[second]!).with(second, found[first]!);
        expect(ndcg(swapped, known, at)).toBeGreaterThanOrEqual(ndcg(found, known, at) - 1e-12);
        expect(reciprocalRank(swapped, known, at)).toBeGreaterThanOrEqual(reciprocalRank(found, known, at));
      }),
    );
  });

  it("does not depend on what follows the depth", () => {
    fc.assert(
      fc.property(ranking, judged, depth, (found, known, at) => {
        expect(ndcg(found.slice(0, at), known, at)).toBe(ndcg(found, known, at));
        expect(recall(found.slice(0, at), known, at)).toBe(recall(found, known, at));
      }),
    );
  });
});

describe("documents of passages", () => {
  it("stand where their best passage stands", () => {
    const passages = ["b", "a", "b", "c", "a"].map((documentId) => ({ documentId }));
    expect(documentsOf(passages)).toEqual(["b", "a", "c"]);
  });
});
