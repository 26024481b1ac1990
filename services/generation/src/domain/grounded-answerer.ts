import type { Answerer } from "./answerer.ts";

export interface GroundedAnswererOptions {
  /** Writes answers from passages. */
  readonly model: Answerer;
  /** Says that the documents hold no answer. */
  readonly withoutPassages: Answerer;
}

/** Asks a model only where there is something to answer from, or where retrieval was switched off on purpose: it would answer from memory. */
export function createGroundedAnswerer({ model, withoutPassages }: GroundedAnswererOptions): Answerer {
  return {
    answer: (question, passages, options) => {
      const answerer = passages.length > 0 || options.retrievalDisabled === true ? model : withoutPassages;
      return answerer.answer(question, passages, options);
    },
  };
}
