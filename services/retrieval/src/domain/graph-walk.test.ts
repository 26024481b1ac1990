import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { bestWalks, pathOf, rarity, scoreOf, type Walk, walkBounds } from "./graph-walk.ts";

const walk = (gain: number, path: number[], kinds = path.slice(1).map(() => "k")): Walk => ({
  entity: path.at(-1)!,
  gain,
  path,
  kinds,
});

describe("walks", () => {
  it("are one for each entity: the best, then the shortest, then by the oldest entities", () => {
    const walks = [
      walk(0.2, [1, 3]),
      walk(1, [1]),
      walk(0.25, [1, 4, 3]),
      walk(0.2, [2, 5]),
      walk(0.2, [1, 5]),
      walk(0.2, [1, 6, 5]),
      walk(0.2, [1, 7], ["owns"]),
      walk(0.2, [1, 7], ["^owns"]),
    ];
    const best = [walk(1, [1]), walk(0.25, [1, 4, 3]), walk(0.2, [1, 5]), walk(0.2, [1, 7], ["^owns"])];
    expect(bestWalks(walks)).toEqual(best);
    fc.assert(
      fc.property(fc.shuffledSubarray(walks, { minLength: walks.length }), (shuffled) => {
        expect(bestWalks(shuffled)).toEqual(best);
      }),
    );
  });

  it("reach no more entities than the bound", () => {
    const many = Array.from({ length: 1_000 }, (_, index) => walk(1 / (1 + index), [0, index + 1]));
    expect(bestWalks(many)).toHaveLength(walkBounds.reached);
  });

  it("are told by the names on their way", () => {
    const names = ["Ada", "London", "Thames"];
    expect(pathOf(walk(1, [0, 1, 2], ["born in", "^flows through"]), (entity) => names[entity]!)).toEqual([
      "Ada",
      "born in",
      "London",
      "^flows through",
      "Thames",
    ]);
  });
});

describe("worth", () => {
  it("falls with the number of mentions, from 1 to above 0", () => {
    fc.assert(
      fc.property(fc.nat(1e7), fc.nat(1e7), (passages, mentions) => {
        const worth = rarity(mentions, passages);
        expect(worth).toBeGreaterThan(0);
        expect(worth).toBeLessThanOrEqual(1);
        if (passages > mentions) expect(rarity(mentions + 1, passages)).toBeLessThan(worth);
      }),
    );
    expect(rarity(0, 100)).toBe(1);
    expect(rarity(100, 100)).toBeLessThan(0.5);
  });

  it("of a passage is the sum over what it mentions, in whatever order, explained by the most", () => {
    const gains = [0.1, 0.7, 0.2, 0.7].map((gain, entity) => ({ entity, gain }));
    for (const given of [gains, gains.toReversed()]) {
      expect(scoreOf(given)).toEqual({ score: 0.7 + 0.7 + 0.2 + 0.1, entity: 1 });
    }
  });
});
