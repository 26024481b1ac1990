import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { terms } from "./terms.ts";

describe("terms of alphabets", () => {
  it("stems words and drops stop words and question words", () => {
    expect(terms("What are the requirements of banking licences?")).toEqual(["requir", "bank", "licenc"]);
  });

  it("drops possessives, and reads straight and curly apostrophes alike", () => {
    expect(terms("O'Brien's O’Brien’s company's")).toEqual(["obrien", "obrien", "compani"]);
  });

  it("makes one term of an acronym, with or without stops", () => {
    expect(terms("U.S. US u.s.a.")).toEqual(["us", "us", "usa"]);
  });

  it("folds accents, full width and case", () => {
    expect(terms("Café ＣＡＦＥ cafe\u0301")).toEqual(["cafe", "cafe", "cafe"]);
  });

  it("keeps numbers without thousands separators, and names with digits", () => {
    expect(terms("1,000 3.14 B2B 2024")).toEqual(["1000", "3.14", "b2b", "2024"]);
  });

  it("leaves other alphabets as words", () => {
    expect(terms("Привет, мир")).toEqual(["привет", "мир"]);
  });

  it("keeps only the beginning of data that looks like a word", () => {
    expect(terms("x".repeat(10_000))).toEqual(["x".repeat(64)]);
  });
});

describe("terms of Hangul, Han and Kana", () => {
  it("makes overlapping pairs, and keeps single characters", () => {
    expect(terms("금융위원회 및")).toEqual(["금융", "융위", "위원", "원회", "및"]);
  });

  it("splits where the script changes", () => {
    expect(terms("2024년 B2B기업 銀行의")).toEqual(["2024", "년", "b2b", "기업", "銀行", "의"]);
    expect(terms("データベース")).toEqual(["デー", "ータ", "タベ", "ベー", "ース"]);
    expect(terms("ｶﾞｽ")).toEqual(["ガス"]);
  });

  it("counts a character outside the first plane as one", () => {
    expect(terms("𠀋𠀌")).toEqual(["𠀋𠀌"]);
  });
});

describe("any text", () => {
  const text = fc.string({
    unit: fc.constantFrom(
      "a",
      "B",
      "é",
      "'",
      "’",
      ".",
      ",",
      "1",
      "2",
      "한",
      "ㅎ",
      "국",
      "銀",
      "カ",
      "ｶ",
      "𠀋",
      "\u0301",
      " ",
      "-",
      "\ud83d",
    ),
  });

  it("has the same terms in every Unicode normal form", () => {
    fc.assert(
      fc.property(text, (whole) => expect(terms(whole.normalize("NFD"))).toEqual(terms(whole.normalize("NFC")))),
    );
  });

  it("has no empty terms and none with white space", () => {
    fc.assert(fc.property(text, (whole) => expect(terms(whole).every((term) => /^\S+$/.test(term))).toBe(true)));
  });

  it("has the terms of its parts where a space parts them", () => {
    fc.assert(
      fc.property(text, text, (left, right) => {
        expect(terms(`${left} ${right}`)).toEqual([...terms(left), ...terms(right)]);
      }),
    );
  });
});
