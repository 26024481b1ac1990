import { describe, expect, it } from "@jest/globals";
import { codePointLength } from "@quartet/text";
import fc from "fast-check";
import { cutPassagesPlainly } from "./plain-cut.ts";
import type { Passage, Span } from "./passage.ts";

const passage = (text: string, startOffset = 0): Passage => ({
  documentId: "d",
  ordinal: 0,
  title: "",
  text,
  score: 1,
  uri: "",
  documentVersion: 1n,
  startOffset,
  endOffset: startOffset + codePointLength(text),
  keptSpans: [],
  hits: [],
});
const shorten = (whole: Passage, text: string, keptSpans: readonly Span[]): Passage => ({ ...whole, text, keptSpans });

describe("the plain cut", () => {
  it("keeps whole what fits, cuts the next, and leaves out the rest", () => {
    const cut = cutPassagesPlainly([passage("열 글자입니다."), passage("abcdef", 50), passage("x")], 11, shorten);
    expect(cut).toMatchObject([
      { text: "열 글자입니다.", keptSpans: [] },
      { text: "abc", keptSpans: [{ startOffset: 50, endOffset: 53 }] },
    ]);
  });

  it("never cuts inside a grapheme, nor leaves a passage of nothing", () => {
    const family = "👨‍👩‍👧‍👦";
    expect(cutPassagesPlainly([passage(`가${family}나`)], 4, shorten)).toMatchObject([{ text: "가" }]);
    expect(cutPassagesPlainly([passage(`${family}나`)], 4, shorten)).toEqual([]);
  });

  it("shows ten passages at most", () => {
    expect(
      cutPassagesPlainly(
        Array.from({ length: 30 }, () => passage("x")),
        6000,
        shorten,
      ),
    ).toHaveLength(10);
  });

  it("stays within the budget, and every kept span holds the text it stands for", () => {
    const texts = fc.array(fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }), { maxLength: 12 });
    fc.assert(
      fc.property(texts, fc.integer({ min: 0, max: 120 }), (all, budget) => {
        const cut = cutPassagesPlainly(
          all.map((text) => passage(text)),
          budget,
          shorten,
        );
        expect(cut.reduce((sum, { text }) => sum + codePointLength(text), 0)).toBeLessThanOrEqual(budget);
        cut.forEach(({ text, keptSpans }, index) => {
          expect(all[index]!.startsWith(text)).toBe(true);
          for (const { endOffset } of keptSpans) expect(endOffset).toBe(codePointLength(text));
        });
      }),
    );
  });
});
