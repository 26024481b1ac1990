import { type Budget, mostTokens } from "@quartet/budget";
import type { Answerer, AnswerEvent, Usage } from "./answerer.ts";
import { answerPrompt } from "./prompt.ts";
import { setAside } from "./set-aside.ts";

export interface BudgetedAnswererOptions {
  /** Asks the model, and tells in `onUsage` what that was billed for. */
  readonly answerer: Answerer;
  readonly budget: Pick<Budget, "reserve">;
  /** As the provider names it. */
  readonly model: string;
  /** The most that an answer is long where the request says no less. */
  readonly maxOutputTokens: number;
}

/** What a provider puts around each message, in tokens; 4 to 8 with the models of today. */
const TOKENS_AROUND_MESSAGE = 16;
const NOBODY = "default";

/** Sets the most that an answer can cost aside before the model is asked, and settles what it came to: whole, broken off or given up by its reader. */
export function createBudgetedAnswerer({
  answerer,
  budget,
  model,
  maxOutputTokens,
}: BudgetedAnswererOptions): Answerer {
  return {
    async *answer(question, passages, options): AsyncGenerator<AnswerEvent> {
      const { tenant = NOBODY, section, signal } = options;
      const messages = answerPrompt(question, passages, section);
      const inputTokens = messages.reduce((sum, { content }) => sum + mostTokens(content) + TOKENS_AROUND_MESSAGE, 0);
      const outputTokens = Math.min(options.maxOutputTokens || maxOutputTokens, maxOutputTokens);
      const held = await setAside(budget, { tenant, model, inputTokens, outputTokens, signal });
      const onUsage = (usage: Usage) => {
        held.settle(usage);
        options.onUsage?.(usage);
      };
      try {
        yield* answerer.answer(question, passages, { ...options, onUsage });
      } finally {
        held.release();
      }
    },
  };
}
