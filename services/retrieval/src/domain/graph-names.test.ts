import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { maxNameWords, mentionCandidates, mentionedNames, nameKey, wordCountOf } from "./graph-names.ts";

/** The names found in a text, as they were given. */
function find(text: string, ...names: readonly string[]): string[] {
  const byKey = new Map(names.map((name) => [nameKey(name), name]));
  return mentionedNames(text, maxNameWords, (key) => byKey.has(key)).map((key) => byKey.get(key)!);
}

describe("names in texts", () => {
  it.each([
    ["한국은행에서는 기준금리를 올렸다", ["한국은행", "기준금리"]],
    ["삼성전자(005930)의 대표는?", ["삼성전자"]],
    ["SK하이닉스와 LG는 어디에 있나", ["SK하이닉스", "LG"]],
    ["홍길동님께서도 오셨다", ["홍길동"]],
    ["2024년까지만", ["2024년"]],
    ["‘세종대왕’이라고 불린다", ["세종대왕"]],
    ["서울 특별시에서", ["서울 특별시"]],
  ])("are found before particles: %s", (text, names) => {
    expect(find(text, ...names)).toEqual(names);
  });

  it.each([
    ["삼성전자서비스에 물었다", ["삼성전자"]],
    ["신한국은행", ["한국은행"]],
    ["고양시청에서", ["고양시", "양시"]],
    ["Washingtonian", ["Washington"]],
    ["AppleScript and pineApple", ["Apple"]],
    ["bookkeeper2", ["bookkeeper"]],
  ])("are not found inside another word: %s", (text, names) => {
    expect(find(text, ...names)).toEqual([]);
  });

  it("are found however they are typed", () => {
    expect(find("the pokemon of ＮＩＮＴＥＮＤＯ", "Pokémon", "Nintendo")).toEqual(["Pokémon", "Nintendo"]);
    expect(find("한국은행의".normalize("NFD"), "한국은행")).toEqual(["한국은행"]);
    expect(find("in the U.S. Steel case", "US Steel")).toEqual(["US Steel"]);
    expect(find("coca cola", "Coca-Cola")).toEqual(["Coca-Cola"]);
    expect(find("beatles, the band", "The Beatles")).toEqual(["The Beatles"]);
  });

  it("are found with a possessive or in the plural", () => {
    expect(find("Boeing’s plans", "Boeing")).toEqual(["Boeing"]);
    expect(find("two Boeings and the Joneses' boxes", "Boeing", "Jones", "box")).toEqual(["Boeing", "Jones", "box"]);
    expect(find("at McDonald's", "McDonald's")).toEqual(["McDonald's"]);
  });

  it("are the longest that begin there, and what is within them is not found again", () => {
    const names = ["Bank", "Bank of Korea", "Korea", "Korea University"];
    expect(find("Bank of Korea University", ...names)).toEqual(["Bank of Korea"]);
    expect(find("서울로 갔다", "서울", "서울로")).toEqual(["서울로"]);
    expect(find("Korea. Bank. Korea.", ...names)).toEqual(["Korea", "Bank"]);
  });

  it("are found anywhere in text without spaces", () => {
    expect(find("昨日東京大学は", "東京大学", "京大")).toEqual(["東京大学"]);
  });

  it("that are common words are found only as they are written", () => {
    expect(find("who is it? WHO and IT", "WHO", "IT")).toEqual(["WHO", "IT"]);
    expect(find("tell us about it", "US", "IT")).toEqual([]);
    expect(find("IT의 미래", "IT")).toEqual(["IT"]);
  });

  it("keep what tells programming languages apart", () => {
    expect(find("C++ or C#, not F#", "C++", "C#", "F#")).toEqual(["C++", "C#", "F#"]);
  });

  it.each(["", " ", "!!!", "x", "김", "金", "😀", "the", "it", "\u0301", "\ud800"])(
    "of nothing to go by have no key: %j",
    (name) => {
      expect(nameKey(name)).toBeUndefined();
    },
  );

  it("take characters of patterns and statements as what they are", () => {
    const hostile = [
      "(a+)+$",
      "'; DROP TABLE document;--",
      "%_\\",
      "[[:alpha:]]",
      "$1 ${x}",
      "__proto__",
      "constructor",
      "=it",
      "한국.*은행",
    ];
    for (const name of hostile) {
      if (nameKey(name) !== undefined) expect(find(`before ${name} after`, name)).toEqual([name]);
    }
    expect(find("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "(a+)+$")).toEqual([]);
  });

  it("are bounded, and found by their beginning beyond the bound", () => {
    const long = Array.from({ length: 60 }, (_, index) => `w${index}`).join(" ");
    expect(wordCountOf(nameKey(long)!)).toBe(maxNameWords);
    expect(find(`so ${long} it is`, long)).toEqual([long]);
    for (const name of ["\ufdfa".repeat(256), "x".repeat(256), "😀a".repeat(128), "中".repeat(256), "𠀀".repeat(200)]) {
      const key = nameKey(name)!;
      expect(key.length).toBeLessThanOrEqual(256);
      expect(key.isWellFormed()).toBe(true);
      expect(find(`( ${name} )`, name)).toEqual([name]);
    }
  });
});

describe("candidates", () => {
  const word = fc.constantFrom(
    "한국",
    "은행",
    "한국은행에서는",
    "Bank",
    "of",
    "Korea",
    "Koreas",
    "the",
    "東京",
    "C++",
    "U.S.",
    "it",
    "서울로",
    "-",
  );
  const text = fc.array(word, { maxLength: 12 }).map((words) => words.join(" "));

  it("hold every name that is found, and so no other can be", () => {
    fc.assert(
      fc.property(
        text,
        fc.array(text, { maxLength: 8 }),
        fc.integer({ min: 1, max: maxNameWords }),
        (given, names, maxWords) => {
          const keys = new Set(names.flatMap((name) => nameKey(name) ?? []));
          const candidates = mentionCandidates(given, maxWords);
          const known = new Set([...keys].filter((key) => candidates.has(key)));
          const all = mentionedNames(given, maxWords, (key) => keys.has(key));
          expect(mentionedNames(given, maxWords, (key) => known.has(key))).toEqual(all);
          expect(all.every((key) => candidates.has(key))).toBe(true);
        },
      ),
    );
  });

  it("of a text that is one name hold its key", () => {
    fc.assert(
      fc.property(fc.oneof(text, fc.string({ unit: "binary", maxLength: 40 })), (name) => {
        const key = nameKey(name);
        if (key !== undefined) expect(mentionCandidates(name, maxNameWords).has(key)).toBe(true);
      }),
    );
  });
});
