import { BudgetError, type Scope } from "./budget-error.ts";
import type { ScopeSums } from "./holdings.ts";
import { showDollars } from "./money.ts";
import { dayOf, type Month } from "./month.ts";

/** Calls under way end within moments and mostly cost less than was set aside for them. */
const RETRY_WHILE_RESERVED_MS = 2_000;

export interface Exhaustion {
  readonly scope: Scope;
  readonly limitNanos: number;
  readonly sums: ScopeSums;
  /** What was asked for. */
  readonly nanos: number;
  readonly month: Month;
  readonly resetInMs: number;
}

/** A limit that has no room. What others have spent is nobody's business, so the platform's limit is not shown. */
export function exhausted({ scope, limitNanos, sums, nanos, month, resetInMs }: Exhaustion): BudgetError {
  const whose =
    scope === "tenant"
      ? `The tenant's budget of ${showDollars(limitNanos)} USD a month`
      : "The budget of all tenants together";
  const reset = `It starts anew on ${dayOf(month.endMs)} at 00:00 UTC`;
  const isSpent = sums.spentNanos + nanos > limitNanos;
  return isSpent
    ? new BudgetError(
        "BUDGET_EXHAUSTED",
        `${whose} has no room for this call, which was not made. ${reset}; until then the operator can raise it.`,
        { retryDelayMs: resetInMs },
      )
    : new BudgetError(
        "BUDGET_EXHAUSTED",
        `What is left of a budget is set aside for calls under way: ${lowerFirst(whose)}. Try again when they have ended. ${reset}.`,
        { retryDelayMs: Math.min(RETRY_WHILE_RESERVED_MS, resetInMs) },
      );
}

/** A model whose cost nobody can tell, while a budget holds. */
export const unpriced = (model: string): BudgetError =>
  new BudgetError(
    "MODEL_UNKNOWN",
    `A budget holds, and the model ${model} has no price, so that it cannot be asked. Name another model; the operator can add its price to QUARTET_PRICES.`,
  );

const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);
