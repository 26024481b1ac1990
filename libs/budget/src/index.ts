export { budgetVariables, checkBudget } from "./config.ts";
export type { BudgetConfig } from "./config.ts";
export type { BilledTokens, Budget, BudgetFigures, PlannedCall, Reservation } from "./domain/budget.ts";
export { BudgetError } from "./domain/budget-error.ts";
export type { BudgetErrorReason, Scope } from "./domain/budget-error.ts";
export { mostTokens } from "./domain/prices.ts";
export type { Price, Prices, Tokens } from "./domain/prices.ts";
export { migrateLedger } from "./migrate-ledger.ts";
export { openBudget } from "./open-budget.ts";
