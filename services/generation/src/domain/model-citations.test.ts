import { describe, expect, it } from "@jest/globals";
import type { Passage } from "./answerer.ts";
import { claimsOf } from "./citation-marks.ts";
import { modelCitations } from "./model-citations.ts";
import { passageParts } from "./passage-parts.ts";

const document = "한강은 서울을 동서로 가로지른다. 길이는 494킬로미터이다. 발원지는 태백시의 검룡소이다.";
const passage = (spans: readonly { start: number; end: number }[]): Passage => {
  const whole = { start: 0, end: document.length };
  const text = spans.length === 0 ? document : spans.map(({ start, end }) => document.slice(start, end)).join("\n");
  const parts = passageParts(text, whole, spans)!;
  return { documentId: "han", title: "", uri: "", text, parts, score: 1, sources: [], documentVersion: 1n };
};
const river = passage([]);
const marked = (answer: string, passages: readonly Passage[]) =>
  modelCitations(answer, passages).map(({ number, highlights }) => [
    number,
    highlights.map(({ start, end }) => document.slice(start, end)),
  ]);

describe("the claims of an answer", () => {
  it("are the words before each mark", () => {
    expect(claimsOf("하나 [1]. 둘 [2][3]. 셋")).toEqual([
      { number: 1, text: "하나 " },
      { number: 2, text: ". 둘 " },
      { number: 3, text: ". 둘 " },
    ]);
  });
});

describe("the citations of a model's answer", () => {
  it("mark the sentence that the words before the mark rest on", () => {
    expect(marked("한강의 길이는 494킬로미터입니다 [1]. 검룡소에서 발원합니다. [1]", [river])).toEqual([
      [1, ["길이는 494킬로미터이다.", "발원지는 태백시의 검룡소이다."]],
    ]);
  });

  it("mark nothing where they are not sure", () => {
    expect(marked("This river is long [1].", [river])).toEqual([[1, []]]);
  });

  it("are each number once, ascending, and none that was not given", () => {
    expect(marked("나 [2] 가 [1] 다 [2] 라 [9]", [river, river]).map(([number]) => number)).toEqual([1, 2]);
  });

  it("are of a shortened passage the part that is meant, character for character", () => {
    const cut = passage([
      { start: 0, end: 18 },
      { start: 34, end: document.length },
    ]);
    const [citation] = modelCitations("발원지는 태백시의 검룡소입니다 [1].", [cut]);
    expect(citation).toMatchObject({ span: { start: 34, end: document.length }, text: document.slice(34) });
  });
});
