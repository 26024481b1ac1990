import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { encodeTerms, forEachTerm } from "./term-codec.ts";

const decode = (bytes: Uint8Array) => {
  const terms: [number, number][] = [];
  forEachTerm(bytes, (termId, count) => terms.push([termId, count]));
  return terms;
};

describe("the form of terms on disk", () => {
  it("gives back what was written", () => {
    const ids = fc.uniqueArray(fc.nat({ max: 2 ** 30 })).map((list) => list.sort((left, right) => left - right));
    fc.assert(
      fc.property(ids, fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1 }), (termIds, counts) => {
        const terms = termIds.map((id, index): [number, number] => [id, counts[index % counts.length]!]);
        expect(decode(encodeTerms(terms))).toEqual(terms);
      }),
    );
  });

  it("refuses bytes that end within a number", () => {
    expect(() => decode(Uint8Array.of(0x80))).toThrow(RangeError);
    expect(() => decode(Uint8Array.of(0x01))).toThrow(RangeError);
  });
});
