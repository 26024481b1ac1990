import { describe, expect, it } from "@jest/globals";
import { passageParts } from "./passage-parts.ts";

const text = "가나😀다 라마";

describe("the parts of a passage", () => {
  it("are its whole text where nothing was left out", () => {
    expect(passageParts(text, { start: 10, end: 17 }, [])).toEqual([{ text, span: { start: 10, end: 17 } }]);
  });

  it("map back to the document, counted in code points", () => {
    const spans = [
      { start: 12, end: 16 },
      { start: 20, end: 22 },
    ];
    expect(passageParts(text, { start: 10, end: 30 }, spans)).toEqual([
      { text: "가나😀다", span: spans[0] },
      { text: "라마", span: spans[1] },
    ]);
  });

  it.each([
    [{ start: 10, end: 18 }, []],
    [{ start: 10, end: 16 }, []],
    [{ start: 0, end: 99 }, [{ start: 0, end: 8 }]],
    [{ start: 0, end: 99 }, [{ start: 0, end: 4 }]],
    [
      { start: 0, end: 99 },
      [
        { start: 5, end: 9 },
        { start: 0, end: 2 },
      ],
    ],
    [{ start: 0, end: 5 }, [{ start: 0, end: 7 }]],
  ])("are refused where text and offsets do not add up: %j %j", (whole, spans) => {
    expect(passageParts(text, whole, spans)).toBeUndefined();
  });
});
