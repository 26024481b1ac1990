/**
 * Why money may not be spent:
 *   BUDGET_EXHAUSTED   the limit leaves no room for the call
 *   MODEL_UNKNOWN      a budget holds, and nobody can say what the model costs
 *   UPSTREAM_FAILED    a budget holds, and what was spent cannot be found out
 */
export type BudgetErrorReason = "BUDGET_EXHAUSTED" | "MODEL_UNKNOWN" | "UPSTREAM_FAILED";

/** `platform` is everybody together, `tenant` the one on whose behalf the call would be made. */
export type Scope = "platform" | "tenant";

/** A call that must not be made. The text says what to do, and may be shown to whoever asked. */
export class BudgetError extends Error {
  override readonly name = "BudgetError";
  readonly reason: BudgetErrorReason;
  /** How long to wait before another attempt; none where waiting does not help. */
  readonly retryDelayMs: number | undefined;

  constructor(
    reason: BudgetErrorReason,
    message: string,
    { retryDelayMs, cause }: { readonly retryDelayMs?: number | undefined; readonly cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.reason = reason;
    this.retryDelayMs = retryDelayMs;
  }
}
