import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "@jest/globals";
import { CompressionStrategy } from "@quartet/contracts/type/v1/answer";
import { PassageSchema, SpanSchema } from "@quartet/contracts/type/v1/passage";
import { codePointLength, sliceByCodePoints } from "@quartet/text";
import fc from "fast-check";
import { checkOffsets, fromPassage, fromStrategy, toResponse, toStrategy } from "./convert.ts";
import { compress } from "./domain/compress.ts";
import { toDocumentSpans } from "./domain/document-spans.ts";

describe("strategies", () => {
  it("come back as they went", () => {
    for (const strategy of [CompressionStrategy.EXTRACTIVE, CompressionStrategy.SEED_RULE]) {
      expect(toStrategy(fromStrategy(strategy)!)).toBe(strategy);
    }
    expect(fromStrategy(CompressionStrategy.UNSPECIFIED)).toBeUndefined();
  });
});

describe("toDocumentSpans", () => {
  it("splits a part that goes over the end of a span", () => {
    const spans = [
      { start: 10, end: 14 },
      { start: 20, end: 25 },
    ];
    expect(toDocumentSpans(spans, [{ start: 2, end: 7 }])).toEqual([
      { start: 12, end: 14 },
      { start: 20, end: 22 },
    ]);
    expect(toDocumentSpans(spans, [{ start: 5, end: 10 }])).toEqual([{ start: 20, end: 25 }]);
  });
});

const unit = fc.constantFrom(
  "연차 휴가는 15일이다. ",
  "The toll is 3 euros. ",
  "👨‍👩‍👧‍👦! ",
  "e\u0301té. ",
  "𝒳. ",
  "\n\n",
  "끝",
);
const document = fc.array(unit, { minLength: 1, maxLength: 30 }).map((units) => units.join(""));
const budget = fc.integer({ min: 1, max: 300 });
const question = fc.constantFrom("연차 휴가", "toll", "été 👨‍👩‍👧‍👦", "");

describe("offsets", () => {
  it("point into the document, however often a passage is compressed", () => {
    fc.assert(
      fc.property(document, fc.nat(50), question, fc.tuple(budget, budget, budget), (text, before, asked, budgets) => {
        const stored = "x".repeat(before) + text;
        const endOffset = before + codePointLength(text);
        let passage = create(PassageSchema, { documentId: "d", text, score: 1, startOffset: before, endOffset });
        for (const maxCharCount of budgets) {
          checkOffsets([passage]);
          const { passages = [] } = toResponse([passage], compress(asked, [fromPassage(passage)], { maxCharCount }));
          if (passages[0] === undefined) return;
          passage = create(PassageSchema, passages[0]);
          const spans =
            passage.keptSpans.length > 0 ? passage.keptSpans : [create(SpanSchema, { startOffset: before, endOffset })];
          const parts = spans.map((span) => sliceByCodePoints(stored, span.startOffset, span.endOffset));
          expect(codePointLength(passage.text)).toBe(codePointLength(parts.join("\n")));
          let from = 0;
          for (const part of parts) {
            expect(sliceByCodePoints(passage.text, from, from + codePointLength(part))).toBe(part);
            from += codePointLength(part) + 1;
          }
        }
      }),
    );
  });
});
