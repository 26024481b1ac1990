import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { codePointLength, createOffsetMap, sliceByCodePoints } from "./code-points.ts";

/** Any string, lone surrogates too, with pairs and Hangul often enough to matter. */
const anyText = fc.string({ unit: fc.constantFrom("a", "한", "😀", "𠀋", "\ud83d", "\ude00", "é", " ") });

describe("code points", () => {
  it("counts what the string iterator gives", () => {
    fc.assert(fc.property(anyText, (text) => expect(codePointLength(text)).toBe([...text].length)));
  });

  it("slices as an array of code points does", () => {
    fc.assert(
      fc.property(anyText, fc.nat(40), fc.nat(40), (text, start, end) => {
        expect(sliceByCodePoints(text, start, end)).toBe([...text].slice(start, Math.max(start, end)).join(""));
      }),
    );
  });

  it("clamps offsets outside the text", () => {
    expect(sliceByCodePoints("한😀글", -5)).toBe("한😀글");
    expect(sliceByCodePoints("한😀글", 1, 99)).toBe("😀글");
  });

  it("maps offsets there and back", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const offsets = createOffsetMap(text);
        expect(offsets.codePointLength).toBe([...text].length);
        let index = 0;
        for (const [offset, character] of [...text].entries()) {
          expect(offsets.toUtf16(offset)).toBe(index);
          expect(offsets.toCodePoint(index)).toBe(offset);
          // Inside a pair is the pair.
          if (character.length === 2) expect(offsets.toCodePoint(index + 1)).toBe(offset);
          index += character.length;
        }
        expect(offsets.toUtf16(offsets.codePointLength)).toBe(text.length);
        expect(offsets.toCodePoint(text.length)).toBe(offsets.codePointLength);
      }),
    );
  });
});
