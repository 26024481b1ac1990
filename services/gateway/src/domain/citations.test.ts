import { describe, expect, it } from "@jest/globals";
import { numberCitations, selectCitations } from "./citations.ts";
import type { Passage } from "./passage.ts";

const found: Passage = {
  documentId: "규정",
  ordinal: 2,
  title: "휴가 규정",
  text: "첫 문장입니다. 둘째 문장입니다.",
  score: 0.9,
  uri: "file:규정.md",
  documentVersion: 7n,
  startOffset: 40,
  endOffset: 58,
  keptSpans: [],
  hits: [{ source: "corpus" }, { source: "corpus" }, { source: "persona" }],
};
const shown: Passage = {
  ...found,
  text: "둘째 문장입니다.",
  keptSpans: [{ startOffset: 49, endOffset: 58 }],
  hits: [],
};

describe("citations", () => {
  it("carry the passage as it stands in the document, marked with what was shown of it", () => {
    const [citation] = numberCitations([shown], [found]);
    expect(citation).toEqual({
      number: 1,
      documentId: "규정",
      documentVersion: 7n,
      title: "휴가 규정",
      uri: "file:규정.md",
      text: found.text,
      startOffset: 40,
      endOffset: 58,
      highlights: [{ startOffset: 49, endOffset: 58 }],
      score: 0.9,
      sources: ["corpus", "persona"],
    });
  });

  it("are those the answer makes, in order, with generation's own marks", () => {
    const possible = numberCitations([found, shown], [found]);
    const bare = { startOffset: 0, endOffset: 0, highlights: [] };
    const marked = { number: 2, ...bare, highlights: [{ startOffset: 50, endOffset: 52 }] };
    const narrower = { number: 1, startOffset: 40, endOffset: 48, highlights: [] };
    expect(selectCitations(possible, [marked, narrower]).map(({ number, highlights }) => [number, highlights])).toEqual(
      [
        [1, [{ startOffset: 40, endOffset: 48 }]],
        [2, [{ startOffset: 50, endOffset: 52 }]],
      ],
    );
    expect(selectCitations(possible, [{ number: 2, ...bare }])[0]?.highlights).toEqual(shown.keptSpans);
  });

  it("that name no shown passage are dropped", () => {
    const possible = numberCitations([found], [found]);
    const wrong = [0, 2, -1].map((number) => ({ number, startOffset: 0, endOffset: 0, highlights: [] }));
    expect(selectCitations(possible, wrong)).toEqual([]);
  });
});
