import { describe, expect, it } from "@jest/globals";
import { KeywordListsBuilder } from "./keyword-lists.ts";
import { encodeTerms, type TermCounts } from "./term-codec.ts";

/** Numbers of one byte and of several, and a count above what a posting holds. */
const passages: readonly TermCounts[] = [
  [
    [1, 3],
    [300, 1_000],
  ],
  [],
  [
    [1, 1],
    [2, 200],
    [100_000, 1],
  ],
];

describe("the keyword lists of passages", () => {
  it("hold for each term the passages that have it, in order, with counts up to 255", () => {
    const builder = new KeywordListsBuilder();
    passages.forEach((terms, index) => builder.push(10 * index, encodeTerms(terms)));
    const steps = builder.finish(2);
    expect(steps.next().done).toBe(false);
    expect(steps.next().done).toBe(false);
    const { done, value } = steps.next();
    if (done !== true) throw new Error("not finished");
    const { lengths, holders, starts, postings } = value;
    const listOf = (term: number) =>
      Array.from(postings.subarray(starts[term], starts[term + 1]), (posting) => [posting >>> 8, posting & 0xff]);
    expect(Array.from(lengths)).toEqual([0, 10, 20]);
    expect([holders[0], holders[1], holders[2], holders[300], holders[100_000]]).toEqual([0, 2, 1, 1, 1]);
    expect([listOf(0), listOf(1), listOf(2), listOf(300), listOf(100_000)]).toEqual([
      [],
      [
        [0, 3],
        [2, 1],
      ],
      [[2, 200]],
      [[0, 255]],
      [[2, 1]],
    ]);
  });

  it("are refused of bytes that end within a number", () => {
    const builder = new KeywordListsBuilder();
    builder.push(1, Uint8Array.of(1, 0x80));
    expect(() => [...builder.finish()]).toThrow(RangeError);
  });
});
