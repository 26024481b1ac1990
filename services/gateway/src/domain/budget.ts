import { grantMs, minimumMs, type Stage } from "@quartet/resilience";
import type { StageName } from "./outcome.ts";
import { Refusal } from "./refusal.ts";

/** One stage of a plan: the least time it is begun with, the time it is meant to have, the most it gets, and whether there is a result without it. */
export type StagePlan = Stage & { readonly name: StageName };

/** The stages of one kind of call in order, and the time kept for what is around them. */
export interface CallPlan {
  readonly stages: readonly StagePlan[];
  /** Kept for admission, encoding and the way back. */
  readonly marginMs: number;
}

/** The time of one call. */
export interface Budget {
  readonly totalMs: number;
  /** Since admission. */
  elapsedMs(): number;
  /** What the stage may take now; undefined when that is too little to begin with. */
  grant(stage: StageName): Grant | undefined;
}

/** The time a stage may take, and the least it can be begun with, again after a failure too. */
export interface Grant {
  readonly timeoutMs: number;
  readonly floorMs: number;
}

/**
 * Starts the clock of a call.
 *
 * @throws {Refusal} DEADLINE_TOO_SHORT when not even the floors of the required stages fit, before anything was asked.
 */
export function createBudget(plan: CallPlan, totalMs: number, now: () => number): Budget {
  const neededMs = minimumMs(plan.stages, plan.marginMs);
  if (totalMs < neededMs) {
    throw new Refusal("DEADLINE_TOO_SHORT", `Give the call a deadline of at least ${Math.ceil(neededMs)} ms.`);
  }
  const startedAt = now();
  const elapsedMs = () => now() - startedAt;
  return {
    totalMs,
    elapsedMs,
    grant: (name) => {
      const index = plan.stages.findIndex((stage) => stage.name === name);
      const timeoutMs = grantMs(plan.stages, index, totalMs - elapsedMs(), plan.marginMs);
      return timeoutMs === undefined ? undefined : { timeoutMs, floorMs: plan.stages[index]!.floorMs };
    },
  };
}
