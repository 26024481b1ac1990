import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { type KeywordLists, KeywordListsBuilder } from "./keyword-lists.ts";
import { Postings } from "./postings.ts";
import { encodeTerms } from "./term-codec.ts";

/** A passage as its terms, by number. */
type Passage = readonly number[];

/** BM25 straight from the formula, over all passages each time. */
function naiveScores(passages: ReadonlyMap<number, Passage>, query: readonly number[]): Map<number, number> {
  const all = [...passages.values()];
  const average = all.reduce((sum, { length }) => sum + length, 0) / all.length;
  const scores = new Map<number, number>();
  for (const [slot, passage] of passages) {
    let score = 0;
    for (const term of query) {
      const n = all.filter((other) => other.includes(term)).length;
      const tf = passage.filter((other) => other === term).length;
      const idf = Math.log(1 + (all.length - n + 0.5) / (n + 0.5));
      if (tf > 0) score += (idf * tf) / (tf + 1.2 * (1 - 0.75 + (0.75 * passage.length) / average));
    }
    if (score > 0) scores.set(slot, score);
  }
  return scores;
}

function countsOf(passage: Passage): Map<number, number> {
  const counts = new Map<number, number>();
  for (const term of passage) counts.set(term, (counts.get(term) ?? 0) + 1);
  return counts;
}

function listsOf(passages: readonly Passage[]): KeywordLists {
  const builder = new KeywordListsBuilder();
  for (const terms of passages) {
    const counts = [...countsOf(terms)].sort(([left], [right]) => left - right);
    builder.push(terms.length, encodeTerms(counts));
  }
  const steps = builder.finish(1);
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}

type Step =
  | { readonly kind: "add"; readonly passage: Passage }
  | { readonly kind: "remove"; readonly nth: number }
  | { readonly kind: "search"; readonly query: Passage; readonly limit: number }
  | { readonly kind: "merge"; readonly steps: number };

const term = fc.nat({ max: 9 });
const passage: fc.Arbitrary<Passage> = fc.array(term, { minLength: 1, maxLength: 12 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("add" as const),
      passage,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("remove" as const), nth: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("search" as const),
      query: fc.array(term, { maxLength: 5 }),
      limit: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("merge" as const), steps: fc.integer({ min: 1, max: 30 }) }) },
);

describe("Postings", () => {
  it("scores as the formula does, filled at once, through additions, removals and merges in any order", () => {
    fc.assert(
      fc.property(fc.array(passage, { maxLength: 8 }), fc.array(step, { maxLength: 60 }), (given, steps) => {
        const postings = new Postings((left, right) => left - right);
        const slots = given.map(() => postings.takeSlot());
        postings.adopt(listsOf(given));
        const passages = new Map(given.map((terms, index) => [slots[index]!, terms]));
        let merge: Generator<void, void, void> | undefined;
        const check = (query: Passage, limit: number) => {
          const expected = [...naiveScores(passages, query)].sort(
            ([leftSlot, left], [rightSlot, right]) =>
              (Math.abs(left - right) < 1e-9 ? 0 : right - left) || leftSlot - rightSlot,
          );
          const found = postings.search({ termIds: query, limit, allowed: undefined });
          expect(found.map(({ score }) => score.toFixed(9))).toEqual(
            expected.slice(0, limit).map(([, score]) => score.toFixed(9)),
          );
          for (const { item, score } of found) expect(score).toBeCloseTo(new Map(expected).get(item)!, 9);
        };
        for (const each of steps) {
          if (each.kind === "add") {
            const slot = postings.takeSlot();
            expect(passages.has(slot)).toBe(false);
            passages.set(slot, each.passage);
            postings.add(slot, each.passage.length, (visit) =>
              countsOf(each.passage).forEach((count, id) => visit(id, count)),
            );
          } else if (each.kind === "remove" && passages.size > 0) {
            const slot = [...passages.keys()][each.nth % passages.size]!;
            const terms = new Set(passages.get(slot));
            passages.delete(slot);
            postings.remove(slot, (visit) => terms.forEach(visit));
          } else if (each.kind === "search") {
            check(each.query, each.limit);
          } else if (each.kind === "merge") {
            merge ??= postings.merge(1);
            for (let count = 0; count < each.steps && merge !== undefined; count += 1) {
              if (merge.next().done === true) merge = undefined;
            }
          }
        }
        expect(postings.passageCount).toBe(passages.size);
        check([0, 1, 2, 3, 3], 5);
      }),
      { numRuns: 300 },
    );
  });

  it("finds only what is allowed, before the best are chosen", () => {
    const postings = new Postings((left, right) => left - right);
    for (let index = 0; index < 5; index += 1) postings.add(postings.takeSlot(), index + 1, (visit) => visit(0, 1));
    const found = postings.search({ termIds: [0], limit: 1, allowed: Uint8Array.of(0, 0, 0, 1) });
    expect(found.map(({ item }) => item)).toEqual([3]);
  });

  it("uses slots again after a merge, and wants one when a quarter is dead", () => {
    const postings = new Postings((left, right) => left - right);
    const add = () => {
      const slot = postings.takeSlot();
      postings.add(slot, 1, (visit) => visit(0, 1));
      return slot;
    };
    const slots = Array.from({ length: 300 }, add);
    for (const slot of slots.slice(0, 70)) postings.remove(slot, (visit) => visit(0));
    expect(postings.wantsMerge).toBe(false);
    for (const slot of slots.slice(70, 80)) postings.remove(slot, (visit) => visit(0));
    expect(postings.wantsMerge).toBe(true);
    expect(postings.takeSlot()).toBe(300);
    for (const _step of postings.merge());
    expect(postings.deadCount).toBe(0);
    expect(postings.takeSlot()).toBeLessThan(80);
  });
});
