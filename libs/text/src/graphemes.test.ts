import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { codePointLength } from "./code-points.ts";
import { isGraphemeBoundary, previousGraphemeBoundary, truncateToGraphemes } from "./graphemes.ts";

const family = "👨‍👩‍👧";
const text = fc.string({
  unit: fc.constantFrom(
    "a",
    "한",
    "한".normalize("NFD"),
    family,
    "🇰🇷",
    "🇯🇵",
    "é",
    "e\u0301",
    "\u0301",
    "\r",
    "\n",
    " ",
    "नि",
    "👍🏽",
    "\u200d",
  ),
  maxLength: 30,
});

function boundariesOf(whole: string): Set<number> {
  const segments = new Intl.Segmenter("und", { granularity: "grapheme" }).segment(whole);
  return new Set([...Array.from(segments, ({ index }) => index), whole.length]);
}

describe("graphemes", () => {
  it("finds the same boundaries as segmenting the whole text", () => {
    fc.assert(
      fc.property(text, (whole) => {
        const boundaries = boundariesOf(whole);
        for (let index = 0; index <= whole.length; index += 1) {
          expect(isGraphemeBoundary(whole, index)).toBe(boundaries.has(index) || index === 0);
        }
      }),
    );
  });

  it("takes the longest beginning that fits and cuts no grapheme", () => {
    fc.assert(
      fc.property(text, fc.nat(40), (whole, maxCodePoints) => {
        const cut = truncateToGraphemes(whole, maxCodePoints);
        expect(whole.startsWith(cut)).toBe(true);
        expect(codePointLength(cut)).toBeLessThanOrEqual(maxCodePoints);
        const longer = [...boundariesOf(whole)].filter((end) => end > cut.length).sort((a, b) => a - b)[0];
        if (longer !== undefined) expect(codePointLength(whole.slice(0, longer))).toBeGreaterThan(maxCodePoints);
      }),
    );
  });

  it("keeps families, flags and Korean syllables whole", () => {
    expect(truncateToGraphemes(`${family}가`, 4)).toBe("");
    expect(truncateToGraphemes(`${family}가`, 5)).toBe(family);
    expect(truncateToGraphemes("🇰🇷🇯🇵", 3)).toBe("🇰🇷");
    expect(truncateToGraphemes("한국".normalize("NFD"), 4)).toBe("한".normalize("NFD"));
  });

  it("looks at the neighbourhood only, however long the text", () => {
    const long = "가나다 ".repeat(250_000);
    expect(previousGraphemeBoundary(`${long}e\u0301`, long.length + 1)).toBe(long.length);
  });
});
