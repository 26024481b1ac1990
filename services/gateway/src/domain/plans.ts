import type { CallPlan, StagePlan } from "./budget.ts";

export interface PlanOptions {
  readonly embedTimeoutMs: number;
  readonly searchTimeoutMs: number;
  readonly compressTimeoutMs: number;
  readonly generateTimeoutMs: number;
}

export interface Plans {
  readonly search: CallPlan;
  /** A page of a stream after the first: the query is embedded by then. */
  readonly furtherPage: CallPlan;
  readonly answer: CallPlan;
  /** With RAG_DISABLED. */
  readonly answerWithoutRetrieval: CallPlan;
}

/**
 * The plans of the deadline rule. Floors are what a stage takes when nothing is slow and no model is far away; targets, what it should
 * be left when there is a choice; caps, the configured limits.
 */
export function createPlans(options: PlanOptions): Plans {
  const { embedTimeoutMs, searchTimeoutMs, compressTimeoutMs, generateTimeoutMs } = options;
  const embed: StagePlan = { name: "embed", floorMs: 10, targetMs: 20, capMs: embedTimeoutMs, required: false };
  const search: StagePlan = { name: "search", floorMs: 20, targetMs: 200, capMs: searchTimeoutMs, required: true };
  const compress: StagePlan = {
    name: "compress",
    floorMs: 10,
    targetMs: 50,
    capMs: compressTimeoutMs,
    required: false,
  };
  const generate: StagePlan = {
    name: "generate",
    floorMs: 100,
    targetMs: 1000,
    capMs: generateTimeoutMs,
    required: true,
  };
  const marginMs = 20;
  return {
    search: { stages: [embed, search], marginMs },
    furtherPage: { stages: [search], marginMs },
    answer: { stages: [embed, search, compress, generate], marginMs },
    answerWithoutRetrieval: { stages: [generate], marginMs },
  };
}
