/** One field of a request that breaks a rule. */
export interface FieldViolation {
  /** Path of the field in the contract's names, as `options.filter.equals.field` or `documents[2].title`. */
  readonly field: string;
  /** What is wrong with it, as a sentence for the caller. */
  readonly description: string;
}
