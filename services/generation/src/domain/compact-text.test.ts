import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { compactText, hasLayout } from "./compact-text.ts";

describe("white space in a prompt", () => {
  it.each([
    ["runs of blanks, of every kind", "연차  휴가는\u00a0 15일\u3000입니다.", "연차 휴가는 15일 입니다."],
    ["two blanks behind a full stop, on line after line", "One.  Two.\nThree.  Four.", "One. Two.\nThree. Four."],
    ["blanks at ends of lines", "a  \nb\u3000\n", "a\nb"],
    ["empty lines", "\n\n a\n\n \n\t\nb\n\n", " a\n\nb"],
    ["invisible characters", "\ufeff연\u200b차 soft\u00adhyphen\u2060", "연차 softhyphen"],
    ["line ends of all kinds", "a\r\nb\rc\u2028d\fe", "a\nb\nc\nd\ne"],
    ["padding in tables with bars", "| a     | b |\n|-------|---|\n|       | x |", "| a | b |\n|-------|---|\n| | x |"],
  ])("goes: %s", (_what, text, expected) => {
    expect(compactText(text)).toBe(expected);
  });

  it.each([
    ["joiners that make an emoji or a word", "👩‍👩‍👧 می‌خواهم"],
    ["indentation", "- a\n  - b\n    - c   d"],
    ["code between fences", "text\n```ts\nconst a   = 1;\n\n\n\treturn  a;  \n```\ntext"],
    ["code that a cut has left open", "~~~\na   b\n\n\n~~\nc   d"],
    ["code that is indented", "As here:\n\n    x    = 1\n    long = 2"],
    ["columns aligned by hand", "이름      나이   도시\n김철수    34     서울\n이영희           부산"],
    ["columns divided by tabs", "a\tb\t\tc"],
  ])("stays: %s", (_what, text) => {
    expect(compactText(text)).toBe(text);
  });

  it("loses no character that is seen, and is the same when done again", () => {
    const text = fc
      .array(
        fc.oneof(
          fc.constantFrom(" ", "  ", "\t", "\n", "\n\n\n", "```", "|", "a.", "가나", "\u3000", "\u200b", "    "),
          fc.string(),
        ),
      )
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(text, (given) => {
        const once = compactText(given);
        const seen = (all: string) => all.replace(/[\s\u00ad\u0085\u180e\u200b\u2060\ufeff]/gu, "");
        expect(seen(once)).toBe(seen(given));
        expect(once.length).toBeLessThanOrEqual(given.length);
        expect(compactText(once)).toBe(once);
      }),
      { numRuns: 1_000 },
    );
  });

  it("takes time in proportion to the text", () => {
    const started = performance.now();
    compactText(`a${" ".repeat(200_000)}\n${"b  ".repeat(100_000)}${"\n".repeat(100_000)}`);
    // Milliseconds; a step back for every blank would be minutes.
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

describe("hasLayout", () => {
  it("knows code and tables from text", () => {
    expect(["```\na\n```", "a | b | c", "x   y\nz   w", "\tcode"].map(hasLayout)).toEqual([true, true, true, true]);
    expect(["휴가는 15일입니다. 신청은 사흘 전에 합니다.", "a  b", "- a\n- b"].map(hasLayout)).toEqual([
      false,
      false,
      false,
    ]);
  });
});
