import { describe, expect, it } from "@jest/globals";
import type { Passage } from "./answerer.ts";
import { promptPassages } from "./prompt-passages.ts";

const document =
  "연차 휴가는 1년에 15일입니다. 신청은 사흘 전에 합니다. 😀 남은 휴가는 넘길 수 없습니다. 문의는 인사팀에 합니다.";

/** A part of the document by code points. */
function passage(start: number, end: number, more: Partial<Passage> = {}): Passage {
  const text = [...document].slice(start, end).join("");
  return {
    documentId: "leave",
    title: "휴가 규정",
    uri: "",
    text,
    parts: [{ text, span: { start, end } }],
    score: 1,
    sources: [],
    documentVersion: 1n,
    ...more,
  };
}

const other = (text: string, title = ""): Passage => ({
  ...passage(0, 0),
  documentId: text + title,
  title,
  text,
  parts: [{ text, span: { start: 0, end: [...text].length } }],
});

const shownOf = (...passages: Passage[]) =>
  promptPassages(passages).shown.map(({ number, text, sameAs }) =>
    sameAs === undefined ? [number, text] : [number, `= ${sameAs}`],
  );

const length = [...document].length;
const starts = ["신청은", "😀", "문의는"].map((word) => [...document.slice(0, document.indexOf(word))].length);

describe("what of passages a model is shown", () => {
  it("is every text once, under the number of its first passage", () => {
    expect(shownOf(other("같은 글"), other("다른 글"), other(" 같은\n\n글 "))).toEqual([
      [1, "같은 글"],
      [2, "다른 글"],
    ]);
  });

  it("names documents that say the same, as their titles may be what is asked for", () => {
    expect(shownOf(other("같은 글", "서울 지점"), other("같은 글", "부산 지점"))).toEqual([
      [1, "같은 글"],
      [2, "= 1"],
    ]);
  });

  it("has no sentence of neighbours in one document twice", () => {
    const [second, third, fourth] = starts as [number, number, number];
    expect(shownOf(passage(second, fourth - 1), passage(0, third - 1), passage(third, length))).toEqual([
      [1, "신청은 사흘 전에 합니다. 😀 남은 휴가는 넘길 수 없습니다."],
      [2, "연차 휴가는 1년에 15일입니다."],
      [3, "문의는 인사팀에 합니다."],
    ]);
  });

  it("leaves out what lies within another, and keeps a sentence that does only in part", () => {
    const [second, third] = starts as [number, number];
    expect(shownOf(passage(0, length), passage(second, third))).toEqual([[1, document]]);
    expect(shownOf(passage(0, second + 3), passage(second, third - 1))).toEqual([
      [1, "연차 휴가는 1년에 15일입니다. 신청은"],
      [2, "신청은 사흘 전에 합니다."],
    ]);
  });

  it("takes offsets of another document or version for nothing", () => {
    const texts = shownOf(
      passage(0, length),
      passage(0, 17, { documentVersion: 2n }),
      passage(0, 9, { documentId: "x" }),
    );
    expect(texts).toHaveLength(3);
  });

  it("keeps tables and code whole", () => {
    const table = "| a | b |\n| 1 | 2 |";
    const given = [table, `${table}\nMore.`].map((text) => ({
      ...passage(0, 0),
      text,
      parts: [{ text, span: { start: 0, end: text.length } }],
    }));
    expect(shownOf(...given)).toEqual([
      [1, table],
      [2, `${table}\nMore.`],
    ]);
  });

  it("tells what was saved, of which kind", () => {
    const { saved } = promptPassages([
      other("a   b".repeat(100), "one"),
      other("a   b".repeat(100), "two"),
      passage(0, length),
      passage(0, length),
    ]);
    expect(saved.white_space).toBeGreaterThan(20);
    expect(saved.duplicate).toBeGreaterThan(20);
    expect(saved.overlap).toBeGreaterThan(20);
    expect(promptPassages([other("nothing to save")]).saved).toEqual({ white_space: 0, duplicate: 0, overlap: 0 });
  });
});
