import type { BudgetStats } from "@quartet/contracts/type/v1/stats";
import type { Money } from "@quartet/contracts/type/v1/usage";

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
    ...(nanos(one.spent) >= nanos(other.spent) ? one : other),
    reserved: nanos(one.reserved) >= nanos(other.reserved) ? one.reserved : other.reserved,
  } as BudgetStats;
}

const nanos = (money: Money | undefined): bigint =>
  money === undefined ? -1n : money.units * 1_000_000_000n + BigInt(money.nanos);
