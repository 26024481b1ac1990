import type { Answerer, AnswerEvent } from "./answerer.ts";
import { AnswererError, type AnswererFailure } from "./answerer-error.ts";

export interface FallbackAnswererOptions {
  /** Writes the answers. */
  readonly primary: Answerer;
  /** Writes them where the primary gives up before its first word. */
  readonly fallback: Answerer;
  /** Told of each failure that an answer now hides. */
  readonly onFallback: (error: AnswererError) => void;
}

/** What a fallback would hide: that there is no time left for it, or that an operator's decision has to be met. */
const standing: ReadonlySet<AnswererFailure> = new Set(["OUT_OF_TIME", "BUDGET_EXHAUSTED", "MODEL_UNKNOWN"]);

/**
 * Answers with the fallback where the primary fails before its first text, and says so in the end event together with
 * what the primary's attempts cost. After the first text, when the time is over and when the budget is spent, the failure stands.
 */
export function createFallbackAnswerer({ primary, fallback, onFallback }: FallbackAnswererOptions): Answerer {
  return {
    async *answer(question, passages, options): AsyncGenerator<AnswerEvent> {
      let failure: AnswererError;
      let begun = false;
      try {
        for await (const event of primary.answer(question, passages, options)) {
          begun = true;
          yield event;
        }
        return;
      } catch (error) {
        const canFallBack = error instanceof AnswererError && !begun && !standing.has(error.failure);
        if (!canFallBack || options.signal.aborted) throw error;
        failure = error;
      }
      onFallback(failure);
      for await (const event of fallback.answer(question, passages, options)) {
        yield event.kind === "text" ? event : withFailure(event, failure);
      }
    },
  };
}

type End = Exclude<AnswerEvent, { kind: "text" }>;

function withFailure(end: End, { message, usage }: AnswererError): End {
  const degradation = {
    reason: "EXTRACTIVE_FALLBACK",
    message: `No model answered; sentences were quoted instead. ${message}`,
  } as const;
  return {
    ...end,
    degradations: [...end.degradations, degradation],
    ...(usage === undefined ? {} : { usage }),
  };
}
