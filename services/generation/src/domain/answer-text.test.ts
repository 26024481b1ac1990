import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { createAnswerText } from "./answer-text.ts";
import { createKnownLinks } from "./known-links.ts";

const passageCount = 3;
const known = createKnownLinks([
  {
    uri: "https://docs.example.com/a",
    title: "A",
    text: "See https://hr.example.org/leave?year=1 or www.example.net.",
  },
  { uri: "file:b.md", title: "", text: "" },
]);
const run = (deltas: readonly string[], maxCharacters = 10_000) => {
  const stream = createAnswerText({ passageCount, maxCharacters, knownLinks: known });
  const pieces = [...deltas.map((delta) => stream.push(delta)), stream.finish()].filter((piece) => piece !== "");
  return { pieces, text: stream.text, ...flags(stream) };
};
const flags = ({
  isFull,
  saysNoAnswer,
  hasDroppedCitations,
  hasRemovedLinks,
}: ReturnType<typeof createAnswerText>) => ({
  isFull,
  saysNoAnswer,
  hasDroppedCitations,
  hasRemovedLinks,
});

describe("a model's text", () => {
  it.each([
    ["Rollo led them [1].", "Rollo led them [1].", false],
    ["그들은 롤로가 이끌었습니다[2].", "그들은 롤로가 이끌었습니다[2].", false],
    ["both [1, 3] and [1-3]", "both [1][3] and [1][2][3]", false],
    ["full width 【1】［2］", "full width [1][2]", false],
    ["unknown [9].", "unknown.", true],
    ["some known [1, 9].", "some known [1].", true],
    ["none [0] [12]", "none", true],
    ["a year [2020] stays, so does [a] and [1 2]", "a year [2020] stays, so does [a] and [1 2]", false],
    ["nested [[9]1] makes no mark", "nested [ 1] makes no mark", true],
  ])("%s", (model, shown, dropped) => {
    expect(run([model])).toMatchObject({ text: shown, hasDroppedCitations: dropped });
  });

  it("shows a mark only once it is whole", () => {
    expect(run(["yes [", "1", "] and", " more"]).pieces).toEqual(["ye", "s [1] an", "d mor", "e"]);
  });

  it("is complete at once where nothing can follow", () => {
    expect(run(["가", "나", "다"]).pieces).toEqual(["가", "나", "다"]);
  });

  it("keeps a family of emoji and a decomposed syllable together", () => {
    expect(run(["\ud83d", "\udc69\u200d", "👧 \u1112\u1161", "\u11ab."]).pieces).toEqual([
      "👩‍👧 ",
      "\u1112\u1161\u11ab",
      ".",
    ]);
  });

  it("begins without white space", () => {
    expect(run([" ", "\n", " yes"]).text).toBe("yes");
  });

  it("does not wait for the end of a grapheme that never ends", () => {
    const { pieces } = run(["a", ...Array.from({ length: 3_000 }, () => "\u0301")]);
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(1_100);
  });

  it("replaces what is no character", () => {
    expect(run(["a\ud800b"]).text).toBe("a\ufffdb");
  });

  it.each(["NO_ANSWER", "  `NO_ANSWER`", "NO_ANSWER.", "**NO_ANSWER** The passages do not say."])(
    "hides %s",
    (said) => {
      expect(run([...said])).toMatchObject({ pieces: [], saysNoAnswer: true });
    },
  );

  it.each(["NO_ANSWERS were given", "NO_ANS", "There is NO_ANSWER", "No answer"])("shows %s", (said) => {
    expect(run([...said])).toMatchObject({ text: said, saysNoAnswer: false });
  });

  it("is cut at its longest, never inside a grapheme or a mark", () => {
    expect(run(["abcdef [1]"], 8)).toMatchObject({ text: "abcdef ", isFull: true });
    expect(run(["abcdef 👩‍👧 and"], 8)).toMatchObject({ text: "abcdef ", isFull: true });
    expect(run(["abcdef"], 6)).toMatchObject({ text: "abcdef", isFull: false });
  });
});

describe("however a model's text is cut into deltas", () => {
  const fragment = fc.oneof(
    fc.constantFrom("[", "]", "[1]", "[2]", "[9]", " [3]", "【1", "】", ",", "-", " ", "1", "12", "NO_ANSWER", "[[9]"),
    fc.constantFrom("가", "한국어 ", "é", "e\u0301", "👩‍👩‍👧", "\u1100\u1161", "\u11a8", "🇰🇷", "\r\n", "word"),
    fc.constantFrom(
      "![",
      "](",
      ")",
      "](http://evil.example/?q=",
      "<",
      ">",
      "<img src=",
      '"',
      "//evil.example",
      "\n\n",
      "]:",
    ),
    fc.constantFrom(
      "http",
      "://",
      "https://docs.example.com/",
      "http://evil.example",
      "www.",
      "<a href='",
      "\\",
      "data:",
    ),
    fc.string({ unit: "grapheme", maxLength: 4 }),
  );
  const text = fc.array(fragment, { maxLength: 30 }).map((parts) => parts.join(""));
  const cuts = fc.array(fc.nat(), { maxLength: 20 });
  const split = (whole: string, at: readonly number[]) => {
    const places = [...new Set(at.map((place) => (whole.length === 0 ? 0 : place % whole.length)))].sort(
      (a, b) => a - b,
    );
    return [0, ...places].map((from, index) => whole.slice(from, places[index] ?? whole.length));
  };

  it("the reader sees the same", () => {
    fc.assert(
      fc.property(text, cuts, (whole, at) => {
        const { pieces: _whole, ...expected } = run([whole]);
        const { pieces, ...actual } = run(split(whole, at));
        expect(actual).toEqual(expected);
        expect(pieces.join("")).toBe(expected.text);
      }),
      { numRuns: 2_000 },
    );
  });

  it("no piece ends inside a grapheme or a mark, and every mark is of a passage", () => {
    const segmenter = new Intl.Segmenter("und", { granularity: "grapheme" });
    fc.assert(
      fc.property(text, cuts, fc.integer({ min: 1, max: 60 }), (whole, at, maxCharacters) => {
        const { pieces, text: shown } = run(split(whole, at), maxCharacters);
        const boundaries = new Set([...segmenter.segment(shown)].map(({ index }) => index).concat(shown.length));
        const marks = [...shown.matchAll(/\[(\d{1,3})\]/g)];
        for (const [, digits] of marks) expect([1, 2, 3]).toContain(Number(digits));
        let end = 0;
        for (const piece of pieces) {
          end += piece.length;
          expect(boundaries.has(end)).toBe(true);
          expect(marks.some(({ index, 0: mark }) => index < end && end < index + mark.length)).toBe(false);
        }
        expect([...shown].length).toBeLessThanOrEqual(maxCharacters);
      }),
      { numRuns: 2_000 },
    );
  });
});
