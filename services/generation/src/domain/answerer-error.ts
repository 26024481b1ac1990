import type { Usage } from "./answerer.ts";

/** Why an answerer gave up; the names are those of the contract's registry. */
export type AnswererFailure =
  | "LLM_RATE_LIMIT"
  | "LLM_QUOTA"
  | "LLM_AUTH"
  | "LLM_TTFT"
  | "LLM_PROTOCOL"
  | "LLM_UNAVAILABLE"
  | "STREAM_STALLED"
  | "STREAM_TRUNCATED"
  | "BUDGET_EXHAUSTED"
  | "MODEL_UNKNOWN"
  | "UPSTREAM_FAILED"
  | "OUT_OF_TIME";

export interface AnswererErrorOptions {
  readonly failure: AnswererFailure;
  /** Default: what is usually to be said of such a failure. */
  readonly message?: string | undefined;
  /** What was spent before it failed; absent when the provider was not reached. */
  readonly usage?: Usage | undefined;
  /** How long to wait before another attempt; none where waiting does not help. */
  readonly retryDelayMs?: number | undefined;
  readonly cause?: unknown;
}

/** What people are told, each with what to do. Nothing of the provider's own words: they may hold parts of a key. */
const messages: Readonly<Record<AnswererFailure, string>> = {
  LLM_RATE_LIMIT: "Every key of the model provider rests. Try again after the delay, or add keys.",
  LLM_QUOTA: "Every key of the model provider is out of quota. Raise the quota or add keys.",
  LLM_AUTH: "The model provider refused every key. Check OPENAI_API_KEY and OPENAI_BASE_URL of the generation service.",
  LLM_TTFT: "The model did not begin to answer in time. Try again.",
  LLM_PROTOCOL:
    "The model provider's reply is not what its protocol says. Check OPENAI_BASE_URL and QUARTET_GENERATION_MODEL of the generation service.",
  LLM_UNAVAILABLE: "The model provider fails. Try again.",
  STREAM_STALLED: "The model stopped in the middle of its answer. Try again.",
  STREAM_TRUNCATED: "The model's answer broke off before its end. Try again.",
  BUDGET_EXHAUSTED: "The budget has no room for an answer. Ask again when it starts anew, or have it raised.",
  MODEL_UNKNOWN: "No such model may be asked. Name another one.",
  UPSTREAM_FAILED: "What the budget has left cannot be found out. Try again.",
  OUT_OF_TIME: "The time for the answer is used up. Ask with a longer deadline.",
};

/** An answer that could not be given, or not to its end. */
export class AnswererError extends Error {
  override readonly name = "AnswererError";
  readonly failure: AnswererFailure;
  readonly usage: Usage | undefined;
  readonly retryDelayMs: number | undefined;

  constructor({ failure, message = messages[failure], usage, retryDelayMs, cause }: AnswererErrorOptions) {
    super(message, { cause });
    this.failure = failure;
    this.usage = usage;
    this.retryDelayMs = retryDelayMs;
  }
}
