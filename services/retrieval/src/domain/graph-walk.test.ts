import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { bestWalks, decay, pathOf, rarity, scoreOf, type Walk, walkBounds, type Way } from "./graph-walk.ts";

const way = (path: number[], weights = path.slice(1).map(() => 1), kinds = weights.map(() => "k")): Way => ({
  path,
  kinds,
  weights,
});

describe("walks", () => {
  it("pass on less with each step, with weaker relations, and with more relations beside", () => {
    const ways = [way([1]), way([1, 2], [1]), way([1, 3], [0.5]), way([1, 3, 4], [0.5, 1]), way([5]), way([5, 6], [1])];
    const gains = new Map(bestWalks(ways).map(({ entity, gain }) => [entity, gain]));
    const shared = decay / Math.log2(3);
    expect(gains.get(1)).toBe(1);
    expect(gains.get(6)).toBe(decay);
    expect(gains.get(2)).toBeCloseTo(shared, 12);
    expect(gains.get(3)).toBeCloseTo(shared / 2, 12);
    expect(gains.get(4)).toBeCloseTo((shared / 2) * decay, 12);
  });

  it("are one for each entity: the best, then the shortest, then by the oldest entities and the kinds", () => {
    const ways = [
      way([2]),
      way([1]),
      ...[way([1, 3], [0.25]), way([2, 3], [0.5]), way([2, 4], [1], ["^a"]), way([2, 4], [1], ["a"])],
      ...[way([1, 5], [1]), way([1, 6], [1]), way([1, 6, 7], [1, 1]), way([1, 5, 7], [1, 1])],
    ];
    const expected = [["1"], ["2"], ["1", "5"], ["1", "6"], ["2", "^a", "4"], ["2", "3"], ["1", "5", "7"]];
    const short = (walks: readonly Walk[]) =>
      walks.map(({ path, kinds }) =>
        path.flatMap((entity, index) =>
          kinds[index - 1]?.replace("k", "") ? [kinds[index - 1]!, `${entity}`] : [`${entity}`],
        ),
      );
    fc.assert(
      fc.property(fc.shuffledSubarray(ways, { minLength: ways.length }), (shuffled) => {
        const walks = bestWalks(shuffled);
        expect(
          short(walks)
            .map((path) => path.join(" "))
            .sort(),
        ).toEqual(expected.map((path) => path.join(" ")).sort());
        expect(walks.map(({ gain }) => gain)).toEqual(walks.map(({ gain }) => gain).toSorted((a, b) => b - a));
      }),
    );
  });

  it("reach no more entities than the bound", () => {
    const many = Array.from({ length: 1_000 }, (_, index) => way([0, index + 1], [1 / (1 + index)]));
    expect(bestWalks([way([0]), ...many])).toHaveLength(walkBounds.reached);
  });

  it("are told by the names on their way", () => {
    const names = ["Ada", "London", "Thames"];
    expect(pathOf(way([0, 1, 2], [1, 1], ["born in", "^flows through"]), (entity) => names[entity]!)).toEqual([
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
