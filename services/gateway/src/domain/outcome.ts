import type { Reason } from "@quartet/errors";
import { addMoney, type Money } from "./money.ts";

/** The stages of an answer in order. A search has the first two. */
export type StageName = "embed" | "search" | "compress" | "generate";

/** DEGRADED: done in part. SKIPPED: not begun, for want of time or because its breaker is open. */
export type StageStatus = "OK" | "CACHED" | "DEGRADED" | "SKIPPED" | "FAILED";

/** One stage of one call, over. */
export interface StageTiming {
  readonly stage: StageName;
  readonly status: StageStatus;
  /** From admission to its start. */
  readonly startDelayMs: number;
  readonly elapsedMs: number;
  /** The time it was granted; 0 when there was none to grant. */
  readonly grantMs: number;
}

/** Where the time of one call went. */
export interface Timings {
  readonly stages: readonly StageTiming[];
  readonly totalMs: number;
  /** From admission to the first text. */
  readonly firstTokenMs?: number;
  readonly budgetMs: number;
}

/** What was left out of a result that is otherwise valid. */
export interface Degradation {
  /** Dotted, such as `embedding` or `retrieval.vector`. */
  readonly hop: string;
  /** A `Reason`, or one that a newer service knows. */
  readonly reason: Reason | (string & {});
  readonly source: string;
  /** What it means for the result and what to do, for people. */
  readonly message: string;
}

/** What model calls were billed for. */
export interface Usage {
  readonly inputTokenCount: number;
  readonly outputTokenCount: number;
  readonly cachedInputTokenCount: number;
  readonly callCount: number;
  readonly estimated: boolean;
  /** Absent where the operator's table has no price. */
  readonly cost?: Money | undefined;
}

/** The contract's counts hold 32 bits, and a provider may tell any number. */
const MAX_COUNT = 2 ** 31 - 1;

const addCounts = (one: number, other: number): number => Math.min(MAX_COUNT, one + other);

/** What two parts of one call cost together; undefined when no provider was asked by either. */
export function addUsage(one: Usage | undefined, other: Usage | undefined): Usage | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return {
    inputTokenCount: addCounts(one.inputTokenCount, other.inputTokenCount),
    outputTokenCount: addCounts(one.outputTokenCount, other.outputTokenCount),
    cachedInputTokenCount: addCounts(one.cachedInputTokenCount, other.cachedInputTokenCount),
    callCount: addCounts(one.callCount, other.callCount),
    estimated: one.estimated || other.estimated,
    cost: addMoney(one.cost, other.cost),
  };
}
