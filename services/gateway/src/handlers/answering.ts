import type { HandlerContext } from "@connectrpc/connect";
import type { AnswerQuestionRequest } from "@quartet/contracts/gateway/v1/answer_service";
import { Fusion } from "@quartet/contracts/type/v1/search";
import type { Wire } from "../convert.ts";
import { type AnswerEvent, answerQuestion, type Question } from "../domain/answer.ts";
import type { AnswerPorts } from "../domain/ports.ts";
import type { BeginRun } from "./begin-run.ts";
import { type FieldNames, toError, withFieldNames, withUsage } from "./errors.ts";
import { requireText } from "./require-text.ts";

export interface AnsweringOptions {
  readonly beginRun: BeginRun;
  readonly ports: AnswerPorts<Wire>;
  /** Whether questions are answered without retrieval. */
  readonly ragDisabled: boolean;
  /** For requests that name none. */
  readonly defaultPassageCount: number;
  readonly defaultMaxContextCharCount: number;
}

/** Runs one question; `fieldPrefix` is where its request stands in the message the caller sent. */
export type Answering = (
  request: AnswerQuestionRequest,
  context: HandlerContext,
  fieldPrefix: string,
) => AsyncGenerator<AnswerEvent<Wire>, void, undefined>;

/** What AnswerQuestion and StreamAnswerQuestion share: all of it. They differ in how much of it they hand on. */
export function createAnswering(options: AnsweringOptions): Answering {
  const { beginRun, ports } = options;
  return async function* (request, context, fieldPrefix) {
    const question = toQuestion(request, requireText(request.question, `${fieldPrefix}question`), options);
    const run = beginRun(context);
    try {
      yield* answerQuestion(question, run, ports);
    } catch (error) {
      throw withUsage(withFieldNames(toError(error), fieldNames(fieldPrefix)), run.usage);
    }
  };
}

function toQuestion(
  { search, passageCount, maxContextCharCount, compression, sections, modelOptions }: AnswerQuestionRequest,
  question: string,
  { ragDisabled, defaultPassageCount, defaultMaxContextCharCount }: AnsweringOptions,
): Question<Wire> {
  const retrieval = {
    query: question,
    pageSize: passageCount || defaultPassageCount,
    options: search,
    keywordsOnly: search?.fusion === Fusion.KEYWORD_ONLY,
  };
  return {
    question,
    retrieval: ragDisabled ? undefined : retrieval,
    maxContextCharCount: maxContextCharCount || defaultMaxContextCharCount,
    compression,
    sections,
    modelOptions,
  };
}

/** Inner requests say `query` and `options` where a question says `question` and `search`. */
const fieldNames =
  (prefix: string): FieldNames =>
  (field) => {
    if (field === "query" || field === "question") return `${prefix}question`;
    if (/^(sections|model_options)(?=$|[.[])/.test(field)) return prefix + field;
    return /^options(?=$|[.[])/.test(field) ? prefix + field.replace("options", "search") : undefined;
  };
