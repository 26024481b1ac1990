import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { codePointLength, sliceByCodePoints } from "./code-points.ts";
import { isGraphemeBoundary } from "./graphemes.ts";
import { sentences } from "./sentences.ts";

const textsOf = (text: string, maxCodePoints?: number) =>
  sentences(text, maxCodePoints === undefined ? {} : { maxCodePoints }).map((sentence) => sentence.text);

describe("sentences in English", () => {
  it("does not end at abbreviations, initials and decimals", () => {
    const one = "Mr. J. R. Smith of the U.S. Army paid $3.50, e.g. in Fig. 2 of No. 7.";
    expect(textsOf(`${one} Then he left.`)).toEqual([one, "Then he left."]);
  });

  it("ends after an acronym where a new sentence plainly begins", () => {
    expect(textsOf("He lives in the U.S. The weather is fine.")).toEqual([
      "He lives in the U.S.",
      "The weather is fine.",
    ]);
  });

  it("ends at !, ? and after closing quotes", () => {
    expect(textsOf("“Is it?” Yes! It is.")).toEqual(["“Is it?”", "Yes!", "It is."]);
  });
});

describe("sentences in Korean", () => {
  it("ends at the usual endings with and without a space", () => {
    expect(textsOf("안녕하세요. 무엇일까? 그는 갔다.그러나 왔다!")).toEqual([
      "안녕하세요.",
      "무엇일까?",
      "그는 갔다.",
      "그러나 왔다!",
    ]);
  });

  it("keeps dotted dates and numbered articles together", () => {
    expect(textsOf("2024. 5. 30. 금융위원회가 발표했다. 금리는 3.5%이다.")).toEqual([
      "2024. 5. 30. 금융위원회가 발표했다.",
      "금리는 3.5%이다.",
    ]);
  });
});

describe("lines", () => {
  it("joins lines that a page's width has broken, and keeps headings and items apart", () => {
    const page = [
      "은행업 인가",
      "시중은행과 지방은행은 은행법 제8조에 근거한 금융위원회의 인가를",
      "필요로 하며 최저자본금과 지배구조의 요건이 서로 다르다.",
      "1. 시중은행",
      "2) 지방은행",
      "- 인터넷은행",
    ].join("\n");
    expect(textsOf(page)).toEqual([
      "은행업 인가",
      "시중은행과 지방은행은 은행법 제8조에 근거한 금융위원회의 인가를\n필요로 하며 최저자본금과 지배구조의 요건이 서로 다르다.",
      "1. 시중은행",
      "2) 지방은행",
      "- 인터넷은행",
    ]);
  });

  it("treats Windows line ends alike", () => {
    expect(textsOf("제목\r\n\r\n본문이다.\r\n다음 줄")).toEqual(["제목", "본문이다.", "다음 줄"]);
  });

  it("has none for white space", () => {
    expect(sentences(" \n\t ")).toEqual([]);
    expect(sentences("")).toEqual([]);
  });
});

describe("any text", () => {
  const piece = fc.constantFrom(
    ...[
      "word ",
      "한국은 ",
      "다. ",
      "요?",
      "Mr. ",
      "3.14",
      "\n",
      "\r\n",
      "\n\n",
      "1. ",
      "👨‍👩‍👧",
      "e\u0301",
      "。",
      "! ",
      "𠀋",
      "\u3000",
      "a.b",
      "- ",
    ],
  );
  const text = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(""));

  it("is covered in order, apart from white space, by spans that map back", () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 8, max: 80 }), (whole, maxCodePoints) => {
        let end = 0;
        for (const sentence of sentences(whole, { maxCodePoints })) {
          expect(sliceByCodePoints(whole, end, sentence.start).trim()).toBe("");
          expect(sliceByCodePoints(whole, sentence.start, sentence.end)).toBe(sentence.text);
          expect(sentence.text.trim()).toBe(sentence.text);
          expect(sentence.text).not.toBe("");
          expect(sentence.end - sentence.start).toBeLessThanOrEqual(maxCodePoints);
          const from = sliceByCodePoints(whole, 0, sentence.start).length;
          expect(isGraphemeBoundary(whole, from) && isGraphemeBoundary(whole, from + sentence.text.length)).toBe(true);
          end = sentence.end;
        }
        expect(sliceByCodePoints(whole, end).trim()).toBe("");
      }),
    );
  });

  it("cuts a giant sentence between words, or graphemes where there are no words", () => {
    const words = textsOf("단어가 끝없이 이어지는 글 ".repeat(100), 50);
    expect(words.every((part) => codePointLength(part) <= 50 && /^(?:단어가|끝없이|이어지는|글)/.test(part))).toBe(
      true,
    );
    expect(textsOf("한".repeat(120), 50).map(codePointLength)).toEqual([50, 50, 20]);
    // One grapheme longer than the limit stays whole.
    expect(textsOf(`a${"\u0301".repeat(20)}b`, 5)).toEqual([`a${"\u0301".repeat(20)}`, "b"]);
  });
});
