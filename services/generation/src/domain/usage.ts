import type { Usage } from "./answerer.ts";

/** What two parts of one answer cost together; undefined when no provider was asked by either. */
export function addUsage(one: Usage | undefined, other: Usage | undefined): Usage | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return {
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    cachedInputTokens: one.cachedInputTokens + other.cachedInputTokens,
    calls: one.calls + other.calls,
    estimated: one.estimated || other.estimated,
    costNanos: addCost(one.costNanos, other.costNanos),
  };
}

/** A part that joined another's call has no cost of its own. */
const addCost = (one: number | undefined, other: number | undefined) =>
  one === undefined || other === undefined ? (one ?? other) : one + other;
