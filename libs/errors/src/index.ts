export { fieldInvalid } from "./field-invalid.ts";
export { quartetError } from "./quartet-error.ts";
export type { QuartetErrorOptions } from "./quartet-error.ts";
export { factsOf, reasonOf, reasonTextOf, retryDelayMsOf, violationsOf } from "./details.ts";
export { domain, isReason, reasons } from "./reason.ts";
export type { Reason } from "./reason.ts";
export type { FieldViolation } from "./field-violation.ts";
