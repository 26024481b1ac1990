import { describe, expect, it } from "@jest/globals";
import { questionTerms } from "./question-terms.ts";

describe("the terms of a question", () => {
  it.each([
    ["서울의 인구는 몇 명입니까?", ["서울", "인구"]],
    ["조선을 건국한 왕은 누구인가?", ["조선", "건국", "국한", "왕은"]],
    [
      "예비인가가 필요한지 설명하시오. 그 요건은 무엇인가요?",
      ["예비", "비인", "인가", "필요", "요한", "한지", "설명", "그", "요건"],
    ],
    ["왜곡된 이유는 왜?", ["왜곡", "곡된", "이유"]],
    ["Where was Rollo's leader born?", ["rollo", "leader", "born"]],
    ["누구?", []],
    ["", []],
  ])("%s", (question, expected) => {
    expect(questionTerms(question)).toEqual(expected);
  });

  it("are the same for decomposed Hangul", () => {
    const question = "한강이 가로지르는 도시는 어디인가?";
    expect(questionTerms(question.normalize("NFD"))).toEqual(questionTerms(question));
  });
});
