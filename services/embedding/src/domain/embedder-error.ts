/** Why vectors could not be made. The text says what to do and never repeats what a provider said. */
export type EmbedderErrorReason =
  /** Every key rests: wait `retryDelayMs`. */
  | "LLM_RATE_LIMIT"
  /** Every key is out of quota. */
  | "LLM_QUOTA"
  /** Every key was refused. */
  | "LLM_AUTH"
  /** The provider does not answer, or answers with an error; or a model on this machine fell over, and comes back. */
  | "LLM_UNAVAILABLE"
  /** The provider's answer is none. */
  | "LLM_PROTOCOL"
  /** Vectors of the wrong count, dimension or with numbers that are none. */
  | "EMBED_SHAPE"
  /** Too many texts wait for a model on this machine: wait `retryDelayMs`. */
  | "OVERLOADED"
  /** The budget has no room for the texts: wait `retryDelayMs`. */
  | "BUDGET_EXHAUSTED"
  /** A budget holds, and nobody can say what the model costs. */
  | "MODEL_UNKNOWN"
  /** A budget holds, and what was spent cannot be found out. */
  | "UPSTREAM_FAILED"
  /** Nobody here makes vectors of the space asked for. */
  | "EMBEDDING_SPACE_MISMATCH";

export interface EmbedderErrorOptions {
  readonly retryDelayMs?: number | undefined;
  /** Default: false. */
  readonly refusesTexts?: boolean;
  readonly cause?: unknown;
}

export class EmbedderError extends Error {
  override readonly name = "EmbedderError";
  readonly reason: EmbedderErrorReason;
  readonly retryDelayMs: number | undefined;
  /** Whether it may be for what was in these very texts, so that others could pass. */
  readonly refusesTexts: boolean;

  constructor(
    reason: EmbedderErrorReason,
    message: string,
    { retryDelayMs, refusesTexts = false, cause }: EmbedderErrorOptions = {},
  ) {
    super(message, { cause });
    this.reason = reason;
    this.retryDelayMs = retryDelayMs;
    this.refusesTexts = refusesTexts;
  }
}
