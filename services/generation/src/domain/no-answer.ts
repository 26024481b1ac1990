/** Whether it has Hangul in it. */
export const isKorean = (question: string): boolean => /\p{Script=Hangul}/u.test(question);

/** Says that the documents hold no answer, in Korean to a question with Hangul in it, else in English. */
export function noAnswerText(question: string): string {
  return isKorean(question)
    ? "주어진 문서에서 이 질문에 대한 답을 찾지 못했습니다."
    : "The documents hold no answer to this question.";
}
