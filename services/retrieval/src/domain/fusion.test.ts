import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { fuse, type FusionMethod, type LegHits } from "./fusion.ts";
import type { Hit } from "./keyword-index.ts";

const hit = (passageId: number, score: number): Hit => ({
  passageId,
  documentId: `document-${passageId >> 1}`,
  ordinal: passageId & 1,
  score,
});

const legArbitrary = (leg: "keyword" | "vector"): fc.Arbitrary<LegHits> =>
  fc
    .array(fc.tuple(fc.nat({ max: 12 }), fc.double()), { maxLength: 20 })
    .map((pairs) => ({ source: "corpus", leg, hits: pairs.map(([id, score]) => hit(id, score)) }));
const methods: readonly FusionMethod[] = ["convex", "rrf", "keyword-only", "vector-only"];
const optionsArbitrary = fc.record({
  method: fc.constantFrom(...methods),
  vectorWeight: fc.double({ min: 0, max: 1, noNaN: true }),
});

const keyword = (...hits: Hit[]): LegHits => ({ source: "corpus", leg: "keyword", hits });
const vector = (...hits: Hit[]): LegHits => ({ source: "corpus", leg: "vector", hits });

describe("fuse", () => {
  it("names each passage once, with scores in [0, 1], best first, ties by document and ordinal", () => {
    fc.assert(
      fc.property(legArbitrary("keyword"), legArbitrary("vector"), optionsArbitrary, (left, right, options) => {
        const fused = fuse([left, right], options);
        const ids = fused.map(({ passageId }) => passageId);
        expect(new Set(ids).size).toBe(ids.length);
        const finite = [...left.hits, ...right.hits].filter(({ score }) => Number.isFinite(score));
        expect(new Set(ids)).toEqual(new Set(finite.map(({ passageId }) => passageId)));
        fused.forEach(({ score, passageId }, index) => {
          expect(score).toBeGreaterThanOrEqual(0);
          expect(score).toBeLessThanOrEqual(1);
          const next = fused[index + 1];
          if (next === undefined) return;
          expect(score).toBeGreaterThanOrEqual(next.score);
          if (score === next.score) expect(passageId).toBeLessThan(next.passageId);
        });
      }),
    );
  });

  it("does not depend on which leg comes first", () => {
    fc.assert(
      fc.property(legArbitrary("keyword"), legArbitrary("vector"), optionsArbitrary, (left, right, options) => {
        const places = (legs: readonly LegHits[]) =>
          fuse(legs, options).map(({ passageId, score }) => ({ passageId, score: score.toFixed(12) }));
        const sorted = (list: { passageId: number }[]) => list.sort((a, b) => a.passageId - b.passageId);
        expect(sorted(places([left, right]))).toEqual(sorted(places([right, left])));
      }),
    );
  });

  it("gives the order of the single leg that is here, whatever the method", () => {
    const leg = keyword(hit(5, 9), hit(1, 7), hit(3, 2));
    for (const method of methods) {
      const fused = fuse([leg], { method, vectorWeight: 0.3 });
      expect(fused.map(({ passageId }) => passageId)).toEqual([5, 1, 3]);
      expect(fused[0]!.score).toBe(1);
    }
  });

  it("weighs BM25 by its maximum and cosines by their range: a worked example", () => {
    const legs = [keyword(hit(1, 8), hit(2, 4)), vector(hit(2, 0.9), hit(3, 0.5), hit(1, 0.1))];
    const fused = fuse(legs, { method: "convex", vectorWeight: 0.25 });
    expect(fused.map(({ passageId, score }) => [passageId, score])).toEqual([
      [1, 0.75],
      [2, 0.75 * 0.5 + 0.25],
      [3, 0.125],
    ]);
    expect(fused[1]!.ranks).toEqual([
      { source: "corpus", leg: "keyword", rank: 2, rawScore: 4 },
      { source: "corpus", leg: "vector", rank: 1, rawScore: 0.9 },
    ]);
  });

  it("adds reciprocal ranks over 60: a worked example", () => {
    const legs = [keyword(hit(1, 8), hit(2, 4)), vector(hit(2, 0.9))];
    const fused = fuse(legs, { method: "rrf", vectorWeight: 0 });
    expect(fused.map(({ passageId }) => passageId)).toEqual([2, 1]);
    expect(fused[0]!.score).toBeCloseTo((1 / 62 + 1 / 61) / (2 / 61), 12);
  });
});
