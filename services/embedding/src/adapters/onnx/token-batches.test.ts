import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { tokenBatches } from "./token-batches.ts";

describe("tokenBatches", () => {
  it("has every text once, and no batch above the limit but of a single text", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 50 }), (lengths) => {
        const batches = tokenBatches(lengths, 512);
        expect(batches.flatMap(({ places }) => places).sort((a, b) => a - b)).toEqual(lengths.map((_, place) => place));
        for (const { places, columns } of batches) {
          expect(columns).toBe(Math.max(...places.map((place) => lengths[place]!)));
          if (places.length > 1) expect(places.length * columns).toBeLessThanOrEqual(512);
        }
      }),
    );
  });

  it("puts texts of like length together", () => {
    expect(tokenBatches([100, 3, 101, 2], 202)).toEqual([
      { places: [2, 0], columns: 101 },
      { places: [1, 3], columns: 3 },
    ]);
  });
});
