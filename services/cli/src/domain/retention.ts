import { isRelevant, type Grades } from "./ranking-metrics.ts";

const comparable = (text: string): string => text.normalize("NFC").replaceAll(/\s+/g, " ").trim();

/** Whether one of the answers stands in the text, word for word; white space counts as one space. */
export function holdsAnswer(text: string, answers: readonly string[]): boolean {
  const searched = comparable(text);
  return answers.map(comparable).some((answer) => answer !== "" && searched.includes(answer));
}

/** Whether a relevant document's passage with the answer is among these: only then can compression keep or lose it. */
export const passageHoldsAnswer = (
  passages: readonly { readonly documentId: string; readonly text: string }[],
  grades: Grades,
  answers: readonly string[],
): boolean => passages.some(({ documentId, text }) => isRelevant(grades.get(documentId)) && holdsAnswer(text, answers));
