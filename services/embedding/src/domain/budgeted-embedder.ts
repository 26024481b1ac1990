import { type Budget, BudgetError, mostTokens } from "@quartet/budget";
import type { Embedder, Usage } from "./embedder.ts";
import { EmbedderError } from "./embedder-error.ts";
import { addUsage } from "./usage.ts";

export interface BudgetedEmbedderOptions {
  /** Asks the model, and tells in `onUsage` what calls were billed for. */
  readonly embedder: Embedder;
  readonly budget: Pick<Budget, "reserve">;
  /** As the provider names it. */
  readonly model: string;
  /** What is put before texts. */
  readonly prefixes: readonly string[];
}

/** What a model puts around each text, in tokens; 2 with the models of today. */
const TOKENS_AROUND_TEXT = 4;

/** Sets the most that texts can cost aside before the model is asked, and settles what it came to, also where only some of the calls succeeded. */
export function createBudgetedEmbedder({ embedder, budget, model, prefixes }: BudgetedEmbedderOptions): Embedder {
  const around = TOKENS_AROUND_TEXT + Math.max(0, ...prefixes.map((prefix) => mostTokens(`${prefix} `)));
  return {
    get knownSpace() {
      return embedder.knownSpace;
    },
    // Its one probe of one word, in the life of a process, is nobody's and costs less than is counted.
    space: (options) => embedder.space(options),
    embed: async (texts, options) => {
      const { tenant, signal } = options;
      if (texts.length === 0) return embedder.embed(texts, options);
      const inputTokens = texts.reduce((sum, text) => sum + mostTokens(text) + around, 0);
      const held = await budget.reserve({ tenant, service: "embedding", model, inputTokens, signal }).catch(rethrow);
      let billed: Usage | undefined;
      const onUsage = (usage: Usage) => {
        billed = addUsage(billed, usage);
        options.onUsage?.(usage);
      };
      try {
        const { vectors } = await embedder.embed(texts, { ...options, onUsage });
        return { vectors, usage: billed && { ...billed, costNanos: held.settle(billed) } };
      } catch (error) {
        if (billed !== undefined) held.settle(billed);
        throw error;
      } finally {
        held.release();
      }
    },
    ...(embedder.close && { close: () => embedder.close!() }),
  };
}

function rethrow(error: unknown): never {
  if (!(error instanceof BudgetError)) throw error;
  const { reason, message, retryDelayMs, cause } = error;
  throw new EmbedderError(reason, message, { retryDelayMs, cause });
}
