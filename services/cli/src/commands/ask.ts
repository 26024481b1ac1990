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
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { type SearchFlags, toSearchOptions } from "../search-options.ts";
import { showDegradations } from "./search.ts";
import { showSources } from "./show-sources.ts";

export interface AskOptions extends SearchFlags {
  readonly question: string;
  /** How many passages to search for; 0 for the server's default. */
  readonly passages: number;
  /** The most characters to show the model; 0 for the server's default. */
  readonly maxContextChars: number;
  readonly compression?: keyof typeof strategies;
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
  };
  if (json) {
    const answer = await context.client().answers.answerQuestion(request, { signal });
    terminal.json(toJson(AnswerQuestionResponseSchema, answer, { alwaysEmitImplicit: true }));
    return exitCodeOf(answer);
  }
  const events = context.client().answers.streamAnswerQuestion({ answer: request }, { signal });
  const answer = await showText(terminal, events);
  showCitations(terminal, answer.citations);
  if (answer.answerer?.kind === AnswererKind.EXTRACTIVE && answer.finishReason !== FinishReason.NO_ANSWER) {
    terminal.note("Quoted from the documents; no model was asked.");
  }
  if (answer.finishReason === FinishReason.LENGTH) terminal.note("note: the answer reached its length limit.");
  showSources(terminal, answer.sources);
  showDegradations(terminal, answer.degradations);
  return exitCodeOf(answer);
}

const exitCodeOf = ({ finishReason }: AnswerQuestionResponse): ExitCode =>
  finishReason === FinishReason.NO_ANSWER ? exitCodes.nothingFound : exitCodes.ok;

type Events = ReturnType<ReturnType<Context["client"]>["answers"]["streamAnswerQuestion"]>;

/** Writes text as it comes. What was written before an error is a fragment; the line is ended so that the error stands alone. */
async function showText(terminal: Terminal, events: Events): Promise<AnswerQuestionResponse> {
  let answer: AnswerQuestionResponse | undefined;
  let written = false;
  try {
    for await (const { event } of events) {
      if (event.case === "textDelta") {
        terminal.write(terminal.safe(event.value.text));
        written = true;
      } else if (event.case === "answer") {
        answer = event.value;
      }
    }
  } finally {
    if (written) terminal.line();
  }
  if (!answer) throw new QuartetError({ code: "internal", message: "The server ended the answer without its end." });
  if (!written) terminal.line(terminal.safe(answer.text));
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
