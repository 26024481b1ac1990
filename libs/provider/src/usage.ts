import { isObject } from "./json.ts";

/** What a provider tells that a call costs. */
export interface ReportedUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Of the input tokens, those that it had seen before. */
  readonly cachedInputTokens: number;
}

/**
 * Reads the member `usage` of a reply or of an event of a stream; undefined where nothing was told, as by servers that write a 0 for what they do not
 * count: there is no call without input. It is for the bill only: a count that is none is no reason to lose an answer.
 */
export function readUsage(usage: unknown): ReportedUsage | undefined {
  if (!isObject(usage)) return undefined;
  const inputTokens = countOf(usage["prompt_tokens"]);
  if (inputTokens === 0) return undefined;
  const details = usage["prompt_tokens_details"];
  return {
    inputTokens,
    outputTokens: countOf(usage["completion_tokens"]),
    cachedInputTokens: isObject(details) ? countOf(details["cached_tokens"]) : 0,
  };
}

const countOf = (value: unknown): number =>
  Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : 0;
