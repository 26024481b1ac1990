import type { Usage } from "./embedder.ts";

/** What both came to; undefined where no provider was asked by either. */
export function addUsage(one: Usage | undefined, other: Usage | undefined): Usage | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return {
    inputTokens: one.inputTokens + other.inputTokens,
    calls: one.calls + other.calls,
    estimated: one.estimated || other.estimated,
    costNanos: one.costNanos === undefined ? undefined : one.costNanos + (other.costNanos ?? 0),
  };
}
