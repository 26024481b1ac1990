import { describe, expect, it } from "@jest/globals";
import { codePointLength, isGraphemeBoundary, createOffsetMap, sliceByCodePoints } from "@quartet/text";
import fc from "fast-check";
import { compress } from "./compress.ts";
import type { RankedPassage } from "./types.ts";

const bridge = "The bridge was built in 1932. It is painted grey. The toll is 3 euros. Cyclists cross for free.";
const harbour = "The harbour has four docks. Its crane dates from 1901. Ferries leave every hour.";
const leave = "연차 휴가는 1년에 15일이다. 반차는 오전과 오후로 나눈다. 신청은 사흘 전까지 한다.";

const texts = (passages: readonly { readonly text: string }[]) => passages.map(({ text }) => text);

describe("compress, extractive", () => {
  it("leaves passages alone that fit, best first", () => {
    const { kept, keptCharCount, originalCharCount, strategy } = compress("toll", [
      { text: harbour, score: 0.2 },
      { text: bridge, score: 0.9 },
    ]);
    expect(strategy).toBe("EXTRACTIVE");
    expect(texts(kept)).toEqual([bridge, harbour]);
    expect(kept.map(({ index, whole }) => [index, whole])).toEqual([
      [1, true],
      [0, true],
    ]);
    expect(keptCharCount).toBe(originalCharCount);
  });

  it("keeps the sentences that the question asks for, in the order of the passage", () => {
    const { kept } = compress("How much is the toll for cyclists?", [{ text: bridge, score: 1 }], { maxCharCount: 60 });
    expect(texts(kept)).toEqual(["The toll is 3 euros. Cyclists cross for free."]);
    expect(kept[0]?.parts).toEqual([{ start: 50, end: 95 }]);
  });

  it("does so in Korean", () => {
    const { kept } = compress("휴가 신청은 언제까지 하나요?", [{ text: leave, score: 1 }], { maxCharCount: 20 });
    expect(texts(kept)).toEqual(["신청은 사흘 전까지 한다."]);
  });

  it("puts one character between parts that stand apart", () => {
    const { kept } = compress("built 1932 cyclists free", [{ text: bridge, score: 1 }], { maxCharCount: 56 });
    expect(texts(kept)).toEqual(["The bridge was built in 1932.\nCyclists cross for free."]);
    expect(kept[0]?.parts).toHaveLength(2);
  });

  it("gives the better passage's sentences the room", () => {
    const passages = [
      { text: "The toll of the tunnel is 9 euros.", score: 0.1 },
      { text: "The toll of the bridge is 3 euros.", score: 1 },
    ];
    expect(texts(compress("toll", passages, { maxCharCount: 40 }).kept)).toEqual([
      "The toll of the bridge is 3 euros.",
    ]);
  });

  it("says nothing twice, but keeps what differs in a number or a negation", () => {
    const once =
      "The staff canteen on the ground floor is open to visitors on weekdays from eight until half past three.";
    const passages = [once, once.replace("open", "not open"), once.replace("eight", "9"), `${once.slice(0, -1)}!`].map(
      (text, rank) => ({ text, score: 1 - rank / 10 }),
    );
    expect(compress("When is the canteen open?", passages).kept.map(({ index }) => index)).toEqual([0, 1, 2]);
  });

  it("counts passages as it is told", () => {
    const passages = Array.from({ length: 12 }, (_, n) => ({ text: `Number ${n} is here.`, score: 0.5 }));
    expect(compress("number", passages).kept).toHaveLength(10);
    expect(compress("number", passages, { maxPassageCount: 12 }).kept).toHaveLength(12);
    expect(compress("number", passages, { strategy: "SEED_RULE" }).kept.map(({ index }) => index)).toEqual([0, 1, 2]);
  });

  it("cuts a sentence that is larger than the whole budget, between words", () => {
    const { kept } = compress("toll", [{ text: "the toll ".repeat(200), score: 1 }], { maxCharCount: 50 });
    expect(kept).toHaveLength(1);
    expect(kept[0]!.text).toMatch(/^(the toll ?|toll the ?)+(the|toll)?$/);
  });

  it("keeps nothing where nothing fits", () => {
    expect(compress("가족", [{ text: "👨‍👩‍👧‍👦", score: 1 }], { maxCharCount: 3 }).kept).toEqual([]);
    expect(compress("x", [{ text: " \n ", score: 1 }]).kept).toEqual([]);
  });
});

describe("compress, seed rule", () => {
  it("is used where there is no question", () => {
    expect(compress("  ", [{ text: bridge, score: 1 }]).strategy).toBe("SEED_RULE");
  });

  it("takes the first two sentences of what does not fit", () => {
    const passages = [
      { text: bridge, score: 1 },
      { text: harbour, score: 0.5 },
    ];
    const { kept } = compress("crane", passages, { strategy: "SEED_RULE", maxCharCount: bridge.length + 60 });
    expect(texts(kept)).toEqual([bridge, "The harbour has four docks. Its crane dates from 1901."]);
  });

  it("cuts those two where they are over as well", () => {
    const { kept } = compress("", [{ text: leave, score: 1 }], { maxCharCount: 19 });
    expect(texts(kept)).toEqual(["연차 휴가는 1년에 15일이다. 반"]);
  });
});

const words = fc.constantFrom(
  "toll",
  "bridge",
  "is",
  "not",
  "3",
  "연차",
  "휴가는",
  "신청",
  "👨‍👩‍👧‍👦",
  "e\u0301",
  "𝒳",
  "é",
  "中文",
  ".",
  "。",
  "\n\n",
  "  ",
);
const passage = fc.record({
  text: fc.array(words, { maxLength: 80 }).map((parts) => parts.join(" ")),
  score: fc.double({ min: 0, max: 1, noNaN: true }),
});
const request = fc.record({
  question: fc.array(words, { maxLength: 6 }).map((parts) => parts.join(" ")),
  passages: fc.array(passage, { minLength: 1, maxLength: 14 }),
  maxCharCount: fc.integer({ min: 1, max: 800 }),
  strategy: fc.constantFrom("EXTRACTIVE" as const, "SEED_RULE" as const),
});

describe("compress, for any input", () => {
  it("stays in the budget, and every part is the passage's, in order, between graphemes", () => {
    fc.assert(
      fc.property(request, ({ question, passages, ...options }) => {
        const { kept, keptCharCount, originalCharCount } = compress(question, passages, options);
        const total = kept.reduce((sum, { text }) => sum + codePointLength(text), 0);
        expect(total).toBe(keptCharCount);
        expect(total).toBeLessThanOrEqual(options.maxCharCount);
        expect(total).toBeLessThanOrEqual(originalCharCount);
        for (const { index, parts, text, charCount } of kept) {
          expect(charCount).toBe(codePointLength(text));
          expectParts(passages[index]!.text, parts, text);
        }
        const ranks = kept.map(({ index }) => [passages[index]!.score, -index] as const);
        expect(ranks).toEqual([...ranks].sort((a, b) => b[0] - a[0] || b[1] - a[1]));
      }),
      { numRuns: 300 },
    );
  });

  it("gives the same for the same, and changes nothing it was given", () => {
    fc.assert(
      fc.property(request, ({ question, passages, ...options }) => {
        const frozen: readonly RankedPassage[] = Object.freeze(passages.map((each) => Object.freeze(each)));
        expect(compress(question, frozen, options)).toEqual(compress(question, frozen, options));
      }),
      { numRuns: 50 },
    );
  });
});

/** The text is the parts of the original with one character between two of them. */
function expectParts(original: string, parts: readonly { start: number; end: number }[], text: string): void {
  const offsets = createOffsetMap(original);
  let from = 0;
  let before = 0;
  for (const { start, end } of parts) {
    expect(start).toBeGreaterThanOrEqual(before);
    expect(end).toBeGreaterThan(start);
    expect(sliceByCodePoints(text, from, from + end - start)).toBe(sliceByCodePoints(original, start, end));
    for (const offset of [start, end]) expect(isGraphemeBoundary(original, offsets.toUtf16(offset))).toBe(true);
    from += end - start + 1;
    before = end;
  }
  expect(from - 1).toBe(codePointLength(text));
}
