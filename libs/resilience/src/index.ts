export { CircuitOpenError, createBreaker } from "./breaker.ts";
export type { Breaker, BreakerEvents, BreakerOptions, BreakerState, Outcome, Permit } from "./breaker.ts";
export { BulkheadFullError, createBulkhead } from "./bulkhead.ts";
export type { Bulkhead, BulkheadOptions, Slot } from "./bulkhead.ts";
export type { Clock } from "./clock.ts";
export { createBudget, grantMs, minimumMs, OutOfTimeError } from "./deadline.ts";
export type { Budget, BudgetOptions, Stage } from "./deadline.ts";
export { createHopPolicy } from "./hop-policy.ts";
export type {
  Attempt,
  HopCall,
  HopEvents,
  HopPolicy,
  HopPolicyOptions,
  StreamHopCall,
  UnaryHopCall,
  Verdict,
} from "./hop-policy.ts";
export { HopTimeoutError, openLimit } from "./limit.ts";
export type { Limit, WaitLimit } from "./limit.ts";
export { createRetryBudget } from "./retry-budget.ts";
export type { RetryBudget, RetryBudgetOptions } from "./retry-budget.ts";
export { backOffMs, retry } from "./retry.ts";
export type { BackOff, RetryOptions } from "./retry.ts";
export { pause } from "./pause.ts";
export { createWaitTimes } from "./wait-times.ts";
