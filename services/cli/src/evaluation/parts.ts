/** What `quartet eval` measures, in order. */
export const parts = ["legs", "compression", "refusal"] as const;

export type EvaluationPart = (typeof parts)[number];
