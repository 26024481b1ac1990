/** What `quartet eval` measures, in order. */
export const parts = ["legs", "compression", "refusal", "quantisation"] as const;

export type EvaluationPart = (typeof parts)[number];

/** What it measures unless told otherwise. */
export const standardParts: readonly EvaluationPart[] = ["legs", "compression", "refusal"];
