import type { HeadersLike } from "./http-verdict.ts";
import type { Call } from "./entry.ts";

/** What an attempt gets beside its key. */
export interface KeyAttempt {
  /** Aborted with the caller's, at the deadline, and when the attempt (or its stream) is over. */
  readonly signal: AbortSignal;
  /** The name under which the key may be logged. */
  readonly label: string;
  /** From 1. */
  readonly attempt: number;
  /** The answer has begun to go out: from now on this call is not tried again. */
  markBegun(): void;
  /** Reads what the provider says about the key's limits. To be called with the headers of any reply, of a 200 too, as soon as they are there. */
  heard(headers: HeadersLike): void;
  /** Adds to what the key has used. May be called any number of times, also after the attempt. */
  addUsage(usage: AttemptUsage): void;
}

/** What a call used, or a part of it; what is left out adds nothing. */
export interface AttemptUsage {
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  /** Billionths of the price table's currency unit; left out when there is no price. */
  readonly costNanos?: number | undefined;
}

export function addUsage({ entry }: Call, { inputTokens = 0, outputTokens = 0, costNanos }: AttemptUsage): void {
  entry.inputTokens += inputTokens;
  entry.outputTokens += outputTokens;
  if (costNanos !== undefined) entry.costNanos = (entry.costNanos ?? 0) + costNanos;
}
