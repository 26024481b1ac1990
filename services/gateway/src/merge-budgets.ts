import type { BudgetStats } from "@quartet/contracts/type/v1/stats";
import type { Money } from "@quartet/contracts/type/v1/usage";
import { nanosOf } from "./domain/money.ts";

/**
 * The budgets of processes as those of one platform. All of them tell of the same ledger, so that nothing adds up: what was spent only grows within a
 * month, and the one that knows of most has looked last. The same goes for what is reserved, which processes share or know for themselves alone.
 */
export function mergeBudgets(budgets: readonly BudgetStats[]): BudgetStats[] {
  const merged = new Map<string, BudgetStats>();
  for (const budget of budgets) {
    const { scope } = budget;
    const known = merged.get(scope);
    merged.set(scope, known === undefined ? budget : newest(known, budget));
  }
  return [...merged.values()].sort((one, other) => (one.scope < other.scope ? -1 : 1));
}

/** One that already counts the next month says nothing about this one. */
function newest(one: BudgetStats, other: BudgetStats): BudgetStats {
  const [reset, otherReset] = [one, other].map(({ resetTime }) => resetTime?.seconds ?? 0n) as [bigint, bigint];
  if (reset !== otherReset) return reset > otherReset ? one : other;
  return {
    ...(isLess(one.spent, other.spent) ? other : one),
    reserved: isLess(one.reserved, other.reserved) ? other.reserved : one.reserved,
  } as BudgetStats;
}

/** One that does not say is less than any that does. */
const isLess = (one: Money | undefined, other: Money | undefined): boolean =>
  other !== undefined && (one === undefined || nanosOf(one) < nanosOf(other));
