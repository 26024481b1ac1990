import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { liftSimilar } from "./lift-similar.ts";

/** A vector of two dimensions at an angle, in degrees. */
const at = (degrees: number) =>
  Float32Array.of(Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180));
const vectorsAt = (angles: readonly number[]) => new Map(angles.map((angle, index) => [index, at(angle)] as const));
const ranked = (scores: readonly number[]) => scores.map((score, passageId) => ({ passageId, score }));
const scoresOf = (lifted: readonly { readonly score: number }[]) => lifted.map(({ score }) => score);

/** Twelve passages in four directions, three each in the order of their scores. */
const angles = [0, 1, 2, 40, 41, 42, 80, 81, 82, 120, 121, 122];

describe("lifting what is similar", () => {
  it("goes most of the way to the mean of the three nearest, and lowers nobody", () => {
    const scores = [1, 0.9, 0.1, 0.8, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2];
    const lifted = scoresOf(liftSimilar(ranked(scores), vectorsAt(angles)));
    // Its nearest are 1, 0 and 3.
    expect(lifted[2]).toBeCloseTo(0.1 + 0.7 * ((0.9 + 1 + 0.8) / 3 - 0.1));
    expect([lifted[0], lifted[1], lifted[3]]).toEqual([1, 0.9, 0.8]);
    expect(lifted[11]).toBeCloseTo(0.2);
  });

  it("leaves alone what has no vector, and asks no such passage", () => {
    const scores = [1, 0.5, ...Array<number>(12).fill(0.1), 0.1];
    const vectors = vectorsAt([0, 180, ...Array<number>(12).fill(180)]);
    vectors.delete(0);
    const lifted = scoresOf(liftSimilar(ranked(scores), vectors));
    expect([lifted[0], lifted[14]]).toEqual([1, 0.1]);
    expect(lifted[13]).toBeCloseTo(0.1 + 0.7 * ((0.5 + 0.1 + 0.1) / 3 - 0.1));
  });

  it("leaves few candidates as they are: the nearest of few need not be near", () => {
    const few = ranked(angles.slice(1).map((angle) => angle / 200));
    expect(liftSimilar(few, vectorsAt(angles))).toBe(few);
  });

  it("leaves equals as they are, whose mean is a hair above them", () => {
    const scores = Array<number>(13).fill(0.1);
    expect(scoresOf(liftSimilar(ranked(scores), vectorsAt([...angles, 150])))).toEqual(scores);
  });

  it("keeps the first place and the bounds of the scores, whatever the vectors are", () => {
    const candidate = fc.record({
      score: fc.double({ min: 0, max: 1, noNaN: true }),
      angle: fc.option(fc.integer({ min: 0, max: 359 })),
    });
    fc.assert(
      fc.property(fc.array(candidate, { minLength: 12, maxLength: 40 }), (given) => {
        const candidates = ranked(given.map(({ score }) => score));
        const vectors = new Map(given.flatMap(({ angle }, id) => (angle === null ? [] : [[id, at(angle)] as const])));
        const lifted = liftSimilar(candidates, vectors);
        const best = Math.max(...scoresOf(candidates));
        lifted.forEach(({ passageId, score }) => {
          expect(score).toBeGreaterThanOrEqual(candidates[passageId]!.score);
          expect(score).toBeLessThanOrEqual(best);
        });
        expect(lifted.map(({ passageId }) => passageId)).toEqual(candidates.map(({ passageId }) => passageId));
      }),
    );
  });
});
