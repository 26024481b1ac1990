import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { TopK } from "./top-k.ts";

const ascending = (left: number, right: number) => left - right;

describe("TopK", () => {
  it("keeps what sorting everything would put first, in whatever order it comes", () => {
    const score = fc.oneof(fc.constantFrom(0, -0, 1, 2, -1), fc.double({ noNaN: true }));
    fc.assert(
      fc.property(fc.array(score, { maxLength: 60 }), fc.integer({ min: 0, max: 20 }), (scores, limit) => {
        const best = new TopK(limit, ascending);
        scores.forEach((value, item) => best.offer(item, value));
        const sorted = scores
          .map((value, item) => ({ item, score: value }))
          .sort((left, right) => compare(right.score, left.score) || left.item - right.item);
        expect(best.sorted().map(({ item }) => item)).toEqual(sorted.slice(0, limit).map(({ item }) => item));
      }),
    );
  });

  it("leaves out what is no number", () => {
    const best = new TopK(3, ascending);
    best.offer(1, Number.NaN);
    best.offer(2, 0.5);
    expect(best.sorted()).toEqual([{ item: 2, score: 0.5 }]);
  });
});

/** Infinities do not subtract. */
function compare(left: number, right: number): number {
  return left === right ? 0 : left < right ? -1 : 1;
}
