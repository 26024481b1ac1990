import { type Clocks, failureOf, type ProviderFailureKind } from "@quartet/provider";
import type { Usage } from "../domain/answerer.ts";
import { AnswererError, type AnswererFailure } from "../domain/answerer-error.ts";

const failures: Readonly<Record<ProviderFailureKind, AnswererFailure>> = {
  "rate-limit": "LLM_RATE_LIMIT",
  quota: "LLM_QUOTA",
  auth: "LLM_AUTH",
  rejected: "LLM_PROTOCOL",
  unavailable: "LLM_UNAVAILABLE",
  truncated: "STREAM_TRUNCATED",
  protocol: "LLM_PROTOCOL",
};

interface Failing {
  readonly clocks: Clocks;
  readonly caller: AbortSignal;
  /** What was spent until then. */
  readonly usage: Usage | undefined;
}

/** What a failure of the pool or the provider means for the answer. A caller who left, and defects of our own, pass through. */
export function answererErrorOf(error: unknown, { clocks, caller, usage }: Failing): unknown {
  if (clocks.expired !== undefined) return new AnswererError({ failure: clocks.expired, usage, cause: error });
  if (caller.aborted) return error;
  const found = failureOf(error);
  if (found === undefined) return error;
  return new AnswererError({ failure: failures[found.kind], retryDelayMs: found.retryDelayMs, usage, cause: error });
}
