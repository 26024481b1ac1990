import { toJson } from "@bufbuild/protobuf";
import type { AnswerQuestionResponse } from "@quartet/contracts/gateway/v1/answer_service";
import { AnswerQuestionResponseSchema } from "@quartet/contracts/gateway/v1/answer_service";
import { FinishReason } from "@quartet/contracts/type/v1/answer";
import type { TokenUsage } from "@quartet/contracts/type/v1/usage";
import { nanosOf } from "../domain/money.ts";

/** What all parts of one completion say alike. */
export interface CompletionHead {
  readonly id: string;
  /** In seconds since 1970. */
  readonly created: number;
  /** As the client named it. */
  readonly model: string;
}

/** By OpenAI's names. That documents hold no answer, and that a model refused, is whole text; `quartet.finishReason` tells it. */
const finishReasonOf = ({ finishReason }: AnswerQuestionResponse): string => {
  if (finishReason === FinishReason.LENGTH) return "length";
  return finishReason === FinishReason.CONTENT_FILTER ? "content_filter" : "stop";
};

/** A whole answer as a chat completion. */
export function toCompletion(head: CompletionHead, answer: AnswerQuestionResponse): string {
  const { citations, quartet } = extrasOf(answer);
  const message = { role: "assistant", content: answer.text, refusal: null, citations };
  const choice = { index: 0, message, logprobs: null, finish_reason: finishReasonOf(answer) };
  return JSON.stringify({
    ...head,
    object: "chat.completion",
    choices: [choice],
    usage: toUsage(answer.usage),
    quartet,
  });
}

/** The events of a streamed completion, in the order in which they are sent. */
export function createCompletionChunks(head: CompletionHead, { wantsUsage }: { readonly wantsUsage: boolean }) {
  const common = { ...head, object: "chat.completion.chunk" };
  const none = wantsUsage ? { usage: null } : {};
  const chunkOf = (delta: object, finishReason: string | null, more: object = {}) =>
    JSON.stringify({
      ...common,
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
      ...none,
      ...more,
    });
  return {
    /** The role, before any text. */
    begin: () => chunkOf({ role: "assistant", content: "", refusal: null }, null),
    text: (content: string) => chunkOf({ content }, null),
    /** Why it ended, with what it cites; and what it cost, where that is wanted. */
    end: (answer: AnswerQuestionResponse): string[] => {
      const { citations, quartet } = extrasOf(answer);
      const last = chunkOf({ citations }, finishReasonOf(answer), { quartet });
      return wantsUsage ? [last, JSON.stringify({ ...common, choices: [], usage: toUsage(answer.usage) })] : [last];
    },
  };
}

/** What an answer says that a completion has no place for: under names of our own, as the contract's JSON has it. */
function extrasOf(answer: AnswerQuestionResponse) {
  const {
    text: _text,
    citations = [],
    usage: _usage,
    ...quartet
  } = toJson(AnswerQuestionResponseSchema, answer) as Record<string, unknown>;
  return { citations, quartet };
}

/** Without a provider nothing was used. `cost` is there where the operator has a price for the model. */
function toUsage(usage: TokenUsage | undefined) {
  const { inputTokenCount = 0, outputTokenCount = 0, cachedInputTokenCount = 0, cost } = usage ?? {};
  return {
    prompt_tokens: inputTokenCount,
    completion_tokens: outputTokenCount,
    total_tokens: inputTokenCount + outputTokenCount,
    prompt_tokens_details: { cached_tokens: cachedInputTokenCount },
    ...(cost && { cost: Number(nanosOf(cost)) / 1e9, cost_currency: cost.currencyCode }),
  };
}
