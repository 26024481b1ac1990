import { failureOf as failureOfProvider, type ProviderFailureKind } from "@quartet/provider";
import type { AnswererFailure } from "../../domain/answerer-error.ts";

interface Failure {
  readonly failure: AnswererFailure;
  readonly retryDelayMs?: number | undefined;
}

const failures: Readonly<Record<ProviderFailureKind, AnswererFailure>> = {
  "rate-limit": "LLM_RATE_LIMIT",
  quota: "LLM_QUOTA",
  auth: "LLM_AUTH",
  rejected: "LLM_PROTOCOL",
  unavailable: "LLM_UNAVAILABLE",
  truncated: "STREAM_TRUNCATED",
  protocol: "LLM_PROTOCOL",
};

/** What an error of the pool or the provider means for the answer; undefined for one that is neither's. */
export function failureOf(error: unknown): Failure | undefined {
  const found = failureOfProvider(error);
  return found && { failure: failures[found.kind], retryDelayMs: found.retryDelayMs };
}
