import { describe, expect, it } from "@jest/globals";
import { codePointLength, isGraphemeBoundary, sliceByCodePoints } from "@quartet/text";
import fc from "fast-check";
import { cutText, defaultPassageSizes, type PassageSizes } from "./cut-text.ts";
import { passageContent, sha256 } from "./passage-content.ts";

const small: PassageSizes = { target: 60, max: 80, overlap: 15 };
const medium: PassageSizes = { target: 120, max: 160, overlap: 30 };
const cut = (text: string, mediaType = "text/plain", sizes = small) => [
  ...cutText({ text, title: "제목", mediaType }, sizes),
];

const word = fc.constantFrom(
  "세금은",
  "붙는다",
  "the",
  "cats",
  "e\u0301te\u0301",
  "👩‍👩‍👧",
  "각",
  "1.5",
  "U.S.",
  "한국어는",
);
const sentence = fc
  .tuple(fc.array(word, { minLength: 1, maxLength: 14 }), fc.constantFrom(".", "다.", "?", "", "。"))
  .map(([words, end]) => words.join(" ") + end);
const line = fc.oneof(
  { weight: 6, arbitrary: fc.array(sentence, { minLength: 1, maxLength: 4 }).map((list) => list.join(" ")) },
  fc.constantFrom(
    "# 장",
    "## 절 1",
    "### A",
    "- 항목 하나",
    "1. first",
    "```",
    "| a | b |",
    "===",
    "---",
    "",
    "",
    "   ",
  ),
  { weight: 1, arbitrary: fc.nat({ max: 200 }).map((length) => "가".repeat(length)) },
);
const document = fc
  .array(fc.tuple(line, fc.constantFrom("\n", "\n\n", "\r\n")), { maxLength: 20 })
  .map((lines) => lines.flat().join("").normalize("NFC"));

describe("cutText", () => {
  it("covers the text with slices within bounds, never inside a grapheme", () => {
    fc.assert(
      fc.property(document, fc.constantFrom("text/plain", "text/markdown"), (text, mediaType) => {
        const passages = cut(text, mediaType);
        let covered = 0;
        let start = -1;
        for (const passage of passages) {
          const { startOffset, endOffset } = passage;
          expect(sliceByCodePoints(text, startOffset, endOffset)).toBe(passage.text);
          expect(passage.text.trim()).toBe(passage.text);
          expect(endOffset - startOffset).toBeLessThanOrEqual(small.max);
          expect(startOffset).toBeGreaterThan(start);
          expect(endOffset).toBeGreaterThan(covered);
          // What lies between two passages is white space; what they share is at most the overlap.
          expect(sliceByCodePoints(text, covered, Math.max(covered, startOffset)).trim()).toBe("");
          expect(covered - startOffset).toBeLessThanOrEqual(small.overlap);
          for (const offset of [startOffset, endOffset]) {
            expect(isGraphemeBoundary(text, sliceByCodePoints(text, 0, offset).length)).toBe(true);
          }
          const content = passageContent({ title: "제목", headings: passage.headings, text: passage.text });
          expect(passage.contentHash).toBe(sha256(content));
          start = startOffset;
          covered = endOffset;
        }
        expect(sliceByCodePoints(text, covered).trim()).toBe("");
        expect(passages.length).toBeGreaterThanOrEqual(text.trim() === "" ? 0 : 1);
      }),
      { numRuns: 150 },
    );
  });

  it("leaves a text that fits whole, with its offsets after leading white space", () => {
    const text = "\n\n  부가가치세는 재화에 붙는다.\n\n세율은 10 %이다.  ";
    expect(cut(text)).toMatchObject([
      { startOffset: 4, endOffset: codePointLength(text) - 2, headings: [], text: text.trim() },
    ]);
  });

  it("cuts before headings and keeps the path of those above", () => {
    const body = (name: string) =>
      `${name}에 대한 설명이 여기에 한 문장으로, 그러나 다른 절과 함께 들어갈 수 없게 길게 있습니다. 그래서 절마다 한 조각이 됩니다.`;
    const text = `# 세법\n\n## 부가세\n\n${body("부가세")}\n\n### 세율\n\n${body("세율")}\n\n## 소득세\n\n${body("소득세")}`;
    const passages = cut(text, "text/markdown", medium);
    expect(passages.map(({ text: slice, headings }) => [slice.split("\n")[0], headings])).toEqual([
      ["# 세법", []],
      ["### 세율", ["세법", "부가세"]],
      ["## 소득세", ["세법"]],
    ]);
  });

  it("repeats the last short sentence where a paragraph is cut", () => {
    const long = (letter: string) => `${letter.repeat(40)} is long enough.`;
    const [first, second] = cut(`${long("A")} Short one. ${long("B")} ${long("C")}`, "text/plain", medium);
    expect(first!.text.endsWith("Short one.")).toBe(true);
    expect(second!.text.startsWith("Short one.")).toBe(true);
  });

  it("does not tear code that fits, and cuts what does not between lines", () => {
    const code = "```ts\nconst answer = 42;\n\nconst question = null;\n```";
    const prose = "그 앞에 있는 글은 이 정도로 깁니다. 그래서 함께 들어가지 않습니다.";
    expect(cut(`${prose}\n\n${code}`, "text/markdown").map(({ text }) => text)).toEqual([prose, code]);
    const lines = Array.from({ length: 12 }, (_, index) => `call(${index}, "argument");`);
    for (const { text } of cut(["```", ...lines, "```"].join("\n"), "text/markdown")) {
      expect(text).toMatch(/^(```|call)/);
      expect(text).toMatch(/(```|;)$/);
    }
  });

  it.each([
    ["without any sentence", "가나다라 ".repeat(200_000)],
    ["without any space", "가".repeat(1_000_000)],
    ["of sentences", "이 문장은 짧다. ".repeat(100_000)],
    ["of one grapheme", "e" + "\u0301".repeat(100_000)],
    ["of blank lines", "a\n\n\n\n".repeat(160_000)],
  ])("takes a million characters %s", (_name, text) => {
    const passages = cut(text, "text/markdown", defaultPassageSizes);
    expect(passages.length).toBeGreaterThan(5);
    expect(passages.at(-1)!.endOffset).toBe(codePointLength(text.trimEnd()));
  });
});
