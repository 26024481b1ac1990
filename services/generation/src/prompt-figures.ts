import type { CountFigures } from "@quartet/rpc";
import type { Metrics } from "@quartet/telemetry";
import type { Answerer } from "./domain/answerer.ts";
import { promptPassages, savings } from "./domain/prompt-passages.ts";

export interface PromptFigures {
  /** The same answerer, counting what is left out of each prompt that it sends. */
  counting(answerer: Answerer): Answerer;
  /** By reason: how many prompts were shortened, and by how many tokens in all, estimated. */
  counts(): CountFigures[];
}

/** What prompts would have cost more, for the status of the platform and for metrics. */
export function createPromptFigures(metrics: Metrics): PromptFigures {
  const counter = metrics.counter("quartet_prompt_tokens_saved_total");
  const sums = savings.map((reason) => ({ reason, count: 0, tokens: 0, series: counter.with({ reason }) }));
  return {
    counting: (answerer) => ({
      answer(question, passages, options) {
        const { saved } = promptPassages(passages);
        for (const sum of sums) {
          const tokens = saved[sum.reason];
          if (tokens <= 0) continue;
          sum.count += 1;
          sum.tokens += tokens;
          sum.series.add(tokens);
        }
        return answerer.answer(question, passages, options);
      },
    }),
    counts: () =>
      sums.map(({ reason, count, tokens }) => ({ name: "prompt_tokens_saved", label: reason, count, sum: tokens })),
  };
}
