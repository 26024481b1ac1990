import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { batches, divided, runStarts } from "./text-batches.ts";

describe("runStarts", () => {
  it("cuts so that each run fits, and a text that is too long goes alone", () => {
    const cases: readonly (readonly [number[], number[]])[] = [
      [[], []],
      [[1], [0]],
      [
        [1, 1, 1],
        [0, 2],
      ],
      [
        [50, 1],
        [0, 1],
      ],
      [
        [4, 6, 1],
        [0, 2],
      ],
    ];
    for (const [bytes, starts] of cases) expect(runStarts(bytes, { maxTexts: 2, maxBytes: 10 })).toEqual(starts);
  });
});

describe("batches", () => {
  it("loses and reorders nothing, and keeps to both limits", () => {
    const limits = fc.record({ maxTexts: fc.integer({ min: 1, max: 9 }), maxBytes: fc.integer({ min: 1, max: 60 }) });
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme", minLength: 1 })), limits, (texts, { maxTexts, maxBytes }) => {
        const found = batches(texts, { maxTexts, maxBytes });
        expect(found.flat()).toEqual(texts);
        for (const batch of found) {
          expect(batch.length).toBeLessThanOrEqual(maxTexts);
          if (batch.length > 1) expect(Buffer.byteLength(batch.join(""))).toBeLessThanOrEqual(maxBytes);
        }
      }),
    );
  });

  it("counts Hangul as the three bytes it takes", () => {
    expect(batches(["가나다", "라"], { maxTexts: 9, maxBytes: 11 })).toEqual([["가나다"], ["라"]]);
  });
});

describe("divided", () => {
  it("adds up, whatever is divided, and is in proportion", () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.array(fc.nat(10_000), { minLength: 1, maxLength: 100 }), (total, weights) => {
        const shares = divided(total, weights);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBe(total);
        const sum = weights.reduce((all, weight) => all + weight, 0);
        for (const [index, weight] of weights.entries()) {
          expect(Math.abs(shares[index]! - (sum > 0 ? (total * weight) / sum : total / weights.length))).toBeLessThan(
            1.001,
          );
        }
      }),
    );
  });
});
