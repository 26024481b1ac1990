import { toJson } from "@bufbuild/protobuf";
import {
  AnswererKind,
  type AnswerQuestionResponse,
  type Citation,
  CompressionStrategy,
  FinishReason,
  QuartetError,
} from "@quartet/client";
import { AnswerQuestionResponseSchema } from "@quartet/contracts/gateway/v1/answer_service";
import type { Terminal } from "../adapters/terminal.ts";
import type { Context } from "../context.ts";
import { excerpt } from "../domain/printable.ts";
import type { SectionSpec } from "../domain/section-spec.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { type SearchFlags, toSearchOptions } from "../search-options.ts";
import { money } from "../show-money.ts";
import { showDegradations } from "./search.ts";
import { createSectionView } from "./show-sections.ts";
import { showSources } from "./show-sources.ts";

export interface AskOptions extends SearchFlags {
  readonly question: string;
  /** How many passages to search for; 0 for the server's default. */
  readonly passages: number;
  /** The most characters to show the model; 0 for the server's default. */
  readonly maxContextChars: number;
  readonly compression?: keyof typeof strategies;
  /** None: one text. */
  readonly sections: readonly SectionSpec[];
  /** Of the whole answer, or of each section; 0 for the server's default. */
  readonly maxTokens: number;
  readonly temperature?: number;
}

export const strategies = {
  extractive: CompressionStrategy.EXTRACTIVE,
  seed: CompressionStrategy.SEED_RULE,
} as const;

const excerptLength = 160;

/** `quartet ask QUESTION`: the answer as it is written, or the whole response with --json. */
export async function ask(context: Context, options: AskOptions): Promise<ExitCode> {
  const { terminal, signal, json } = context;
  const request = {
    question: options.question,
    search: toSearchOptions(options),
    passageCount: options.passages,
    maxContextCharCount: options.maxContextChars,
    compression: options.compression ? strategies[options.compression] : CompressionStrategy.UNSPECIFIED,
    sections: options.sections.map((section) => ({ ...section, maxTokenCount: options.maxTokens })),
    modelOptions: {
      maxTokenCount: options.maxTokens,
      ...(options.temperature === undefined ? {} : { temperature: options.temperature }),
    },
  };
  if (json) {
    const answer = await context.client().answers.answerQuestion(request, { signal });
    terminal.json(toJson(AnswerQuestionResponseSchema, answer, { alwaysEmitImplicit: true }));
    return exitCodeOf(answer);
  }
  const events = context.client().answers.streamAnswerQuestion({ answer: request }, { signal });
  const answer = await showText(terminal, events, request.sections);
  showCitations(terminal, answer.citations);
  if (answer.answerer?.kind === AnswererKind.EXTRACTIVE && !holdsNoAnswer(answer)) {
    terminal.note("Quoted from the documents; no model was asked.");
  }
  if (answer.finishReason === FinishReason.LENGTH) terminal.note("note: the answer reached its length limit.");
  for (const { name, finishReason } of answer.sections) {
    if (finishReason === FinishReason.LENGTH) terminal.note(`note: section ${name} reached its length limit.`);
  }
  const { cost } = answer.usage ?? {};
  if (cost !== undefined) terminal.note(`cost: ${money(cost)}`);
  showSources(terminal, answer.sources);
  showDegradations(terminal, answer.degradations);
  return exitCodeOf(answer);
}

const holdsNoAnswer = ({ finishReason, sections }: AnswerQuestionResponse): boolean =>
  sections.length > 0
    ? sections.every((section) => section.finishReason === FinishReason.NO_ANSWER)
    : finishReason === FinishReason.NO_ANSWER;

function exitCodeOf(answer: AnswerQuestionResponse): ExitCode {
  if (answer.sections.some(({ failure }) => failure !== undefined)) return exitCodes.failure;
  return holdsNoAnswer(answer) ? exitCodes.nothingFound : exitCodes.ok;
}

type Events = ReturnType<ReturnType<Context["client"]>["answers"]["streamAnswerQuestion"]>;

/** Writes text as it comes. What was written before an error is a fragment; the line is ended so that the error stands alone. */
async function showText(
  terminal: Terminal,
  events: Events,
  asked: readonly SectionSpec[],
): Promise<AnswerQuestionResponse> {
  const view = createSectionView(
    terminal,
    asked.map(({ name }) => name),
  );
  let answer: AnswerQuestionResponse | undefined;
  let written = false;
  try {
    for await (const { event } of events) {
      if (event.case === "section") {
        view.over(event.value);
      } else if (event.case === "textDelta" && event.value.section !== "") {
        view.text(event.value.section, event.value.text);
      } else if (event.case === "textDelta") {
        terminal.write(terminal.safe(event.value.text));
        written = true;
      } else if (event.case === "answer") {
        answer = event.value;
      }
    }
  } finally {
    if (written) terminal.line();
    view.end();
  }
  if (!answer) throw new QuartetError({ code: "internal", message: "The server ended the answer without its end." });
  if (!written && asked.length === 0) terminal.line(terminal.safe(answer.text));
  return answer;
}

function showCitations(terminal: Terminal, citations: readonly Citation[]): void {
  if (citations.length > 0) terminal.line();
  for (const citation of citations) {
    const { number, title, documentId } = citation;
    const { startOffset, endOffset, text } = markedPart(citation);
    const place = `${terminal.safe(documentId)}, characters ${startOffset}-${endOffset}`;
    terminal.line(`[${number}] ${terminal.bold(excerpt(title || documentId, 100))}  ${terminal.dim(place)}`);
    terminal.line(`    ${excerpt(text, excerptLength)}`);
  }
}

/** The first part of a citation that the answer rests on; all of it where none is marked. Offsets count code points of the document. */
function markedPart({ startOffset, endOffset, text, highlights: [first] }: Citation) {
  if (!first) return { startOffset, endOffset, text };
  const part = [...text].slice(first.startOffset - startOffset, first.endOffset - startOffset).join("");
  return { startOffset: first.startOffset, endOffset: first.endOffset, text: part };
}
