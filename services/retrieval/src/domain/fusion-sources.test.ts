import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { type FusedHit, fuse, type FusionMethod, type LegHits, type LegKind } from "./fusion.ts";
import type { Hit } from "./keyword-index.ts";

const hit = (passageId: number, score: number): Hit => ({ passageId, documentId: `d${passageId}`, ordinal: 0, score });

const hitsArbitrary = fc
  .array(fc.tuple(fc.nat({ max: 9 }), fc.double({ min: -50, max: 50, noNaN: true })), { maxLength: 12 })
  .map((pairs) => pairs.map(([id, score]) => hit(id, score)));
const legArbitrary = (source: string) => (kinds: readonly LegKind[]) =>
  fc.tuple(...kinds.map((leg) => hitsArbitrary.map((hits): LegHits => ({ source, leg, hits }))));
/** Sources of each kind, any of whose legs may be missing. */
const legsArbitrary: fc.Arbitrary<readonly LegHits[]> = fc
  .tuple(
    legArbitrary("hybrid")(["keyword", "vector"]),
    legArbitrary("words")(["keyword"]),
    legArbitrary("meaning")(["vector"]),
    legArbitrary("links")(["graph"]),
  )
  .chain((sources) => fc.subarray(sources.flat()));
const weightArbitrary = fc.double({ min: 0.001, max: 1000, noNaN: true });
const settings = fc.record({
  method: fc.constantFrom<FusionMethod>("convex", "rrf"),
  vectorWeight: fc.double({ min: 0, max: 1, noNaN: true }),
  sourceWeights: fc
    .tuple(weightArbitrary, weightArbitrary, weightArbitrary, weightArbitrary)
    .map((weights) => new Map(["hybrid", "words", "meaning", "links"].map((name, index) => [name, weights[index]!]))),
});

const scoresOf = (fused: readonly FusedHit[]) => new Map(fused.map(({ passageId, score }) => [passageId, score]));
const expectSameScores = (left: readonly FusedHit[], right: ReadonlyMap<number, number>) => {
  expect(new Set(scoresOf(left).keys())).toEqual(new Set(right.keys()));
  for (const [id, score] of scoresOf(left)) expect(score).toBeCloseTo(right.get(id)!, 9);
};

describe("fusion of several sources", () => {
  it("is the weighted mean of what each source that found something would give alone", () => {
    fc.assert(
      fc.property(legsArbitrary, settings, (legs, options) => {
        const names = [...new Set(legs.map(({ source }) => source))];
        const alone = names
          .map((name) => ({
            weight: options.sourceWeights.get(name)!,
            scores: scoresOf(
              fuse(
                legs.filter(({ source }) => source === name),
                options,
              ),
            ),
          }))
          .filter(({ scores }) => scores.size > 0);
        const total = alone.reduce((sum, { weight }) => sum + weight, 0);
        const mean = new Map<number, number>();
        for (const { weight, scores } of alone) {
          for (const [id, score] of scores) mean.set(id, (mean.get(id) ?? 0) + (weight * score) / total);
        }
        expectSameScores(fuse(legs, options), mean);
      }),
    );
  });

  it("has scores in [0, 1], and 1 for what stands first everywhere", () => {
    fc.assert(
      fc.property(legsArbitrary, settings, (legs, options) => {
        for (const { score } of fuse(legs, options)) {
          expect(score).toBeGreaterThanOrEqual(0);
          expect(score).toBeLessThanOrEqual(1);
        }
        const led = legs.map((leg) => ({ ...leg, hits: [hit(100, 60), ...leg.hits] }));
        const [best] = fuse(led, options);
        if (led.length > 0) expect(best).toMatchObject({ passageId: 100, score: expect.closeTo(1, 9) });
      }),
    );
  });

  it("does not depend on the order of legs and sources", () => {
    const shuffled = legsArbitrary.chain((legs) =>
      fc.tuple(fc.constant(legs), fc.shuffledSubarray([...legs], { minLength: legs.length })),
    );
    fc.assert(
      fc.property(shuffled, settings, ([legs, others], options) => {
        expectSameScores(fuse(legs, options), scoresOf(fuse(others, options)));
      }),
    );
  });

  it("looks at how weights relate to each other only", () => {
    fc.assert(
      fc.property(legsArbitrary, settings, fc.constantFrom(0.01, 3, 1000), (legs, options, factor) => {
        const sourceWeights = new Map([...options.sourceWeights].map(([name, weight]) => [name, weight * factor]));
        expectSameScores(fuse(legs, options), scoresOf(fuse(legs, { ...options, sourceWeights })));
      }),
    );
  });

  it("is the same whether a source failed, found nothing or was not asked", () => {
    fc.assert(
      fc.property(
        legsArbitrary,
        settings,
        fc.constantFrom("hybrid", "words", "meaning", "links"),
        (legs, options, name) => {
          const without = legs.filter(({ source }) => source !== name);
          const empty = legs.map((leg) => (leg.source === name ? { ...leg, hits: [] } : leg));
          expect(fuse(empty, options)).toEqual(fuse(without, options));
        },
      ),
    );
  });

  it("adds up what several sources found, by their weights: a worked example", () => {
    const legs: LegHits[] = [
      { source: "corpus", leg: "keyword", hits: [hit(1, 8), hit(2, 4)] },
      { source: "corpus", leg: "vector", hits: [hit(2, 0.9), hit(3, 0.5)] },
      { source: "persona", leg: "keyword", hits: [hit(3, 5), hit(2, 4)] },
      { source: "graph", leg: "graph", hits: [{ ...hit(4, 0.5), path: ["한빛", "자회사", "한빛소재"] }] },
    ];
    const sourceWeights = new Map([
      ["corpus", 1],
      ["persona", 0.5],
      ["graph", 0.5],
    ]);
    const fused = fuse(legs, { method: "convex", vectorWeight: 0.25, sourceWeights });
    const corpus = { 1: 0.75, 2: 0.75 * 0.5 + 0.25, 3: 0 };
    expect(fused.map(({ passageId, score }) => [passageId, Number(score.toFixed(9))])).toEqual([
      [2, corpus[2] / 2 + 0.8 / 4],
      [1, corpus[1] / 2],
      [3, corpus[3] / 2 + 1 / 4],
      [4, 1 / 4],
    ]);
    expect(fused[0]!.ranks.map(({ source, leg, rank }) => [source, leg, rank])).toEqual([
      ["corpus", "keyword", 2],
      ["corpus", "vector", 1],
      ["persona", "keyword", 2],
    ]);
    expect(fused[3]!.ranks[0]!.path).toEqual(["한빛", "자회사", "한빛소재"]);
  });
});
