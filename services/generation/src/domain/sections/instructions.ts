import { isKorean } from "../no-answer.ts";

/** What to write in a section, in the languages that questions are told apart by. */
export interface Instruction {
  readonly text: string;
  /** For questions in Korean. Default: `text`. */
  readonly korean?: string | undefined;
}

export type Instructions = ReadonlyMap<string, Instruction>;

/** What is understood by these names where neither the request nor the operator says otherwise. */
export const builtInInstructions: Instructions = new Map<string, Instruction>([
  [
    "summary",
    {
      text: "Answer the question in two to four sentences that stand on their own, the most important first.",
      korean: "질문에 대한 답을 가장 중요한 것부터, 그 자체로 읽히는 두 문장에서 네 문장으로 요약하십시오.",
    },
  ],
  [
    "symbols",
    {
      text: "List the symbols, signs and terms that matter for the question and that the passages explain: one a line, each with its meaning.",
      korean: "질문에 중요한 상징, 기호, 용어 가운데 문서가 설명하는 것을 한 줄에 하나씩, 그 뜻과 함께 적으십시오.",
    },
  ],
  [
    "recommendations",
    {
      text: "List what the passages advise or require to be done about the question: one a line, the most important first, each with its reason where the passages give one.",
      korean:
        "질문과 관련하여 문서가 권하거나 요구하는 일을 중요한 것부터 한 줄에 하나씩, 문서에 이유가 있으면 그 이유와 함께 적으십시오.",
    },
  ],
]);

/** What a section is to hold: the request's own words, else those for its name, in the question's language, else the name itself. */
export function instructionFor(
  { name, instruction }: { readonly name: string; readonly instruction: string },
  question: string,
  configured: Instructions,
): string {
  if (instruction.trim() !== "") return instruction.trim();
  const known = configured.get(name);
  if (known === undefined) return name;
  return isKorean(question) ? (known.korean ?? known.text) : known.text;
}
