import { toJson } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type BudgetStats, BudgetStatsSchema } from "@quartet/contracts/type/v1/stats";
import type { Money } from "@quartet/contracts/type/v1/usage";
import type { Terminal } from "../adapters/terminal.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { showMissing } from "../show-missing.ts";
import { amountOf, money } from "../show-money.ts";
import { showTable } from "../show-table.ts";

/** `quartet budget`: fails where a process did not tell, for scripts. */
export async function showBudget({ client, terminal, signal, json }: Context): Promise<ExitCode> {
  const readMask = { paths: ["budgets"] };
  const { status } = await client().operations.getPlatformStatus({ readMask }, { signal });
  const { budgets = [], degradations = [] } = status ?? {};
  if (json) {
    const all = budgets.map((budget) => toJson(BudgetStatsSchema, budget, { alwaysEmitImplicit: true }));
    terminal.json({ budgets: all, missing: degradations.map(({ hop }) => hop) });
  } else {
    showBudgets(budgets, terminal);
    if (budgets.length === 0)
      terminal.note("Nothing is counted: set QUARTET_PRICES, and QUARTET_BUDGET_PLATFORM or _TENANT.");
    showMissing(terminal, degradations);
  }
  return degradations.length === 0 ? exitCodes.ok : exitCodes.failure;
}

/** What may be spent and what was, one line a limit. */
export function showBudgets(budgets: readonly BudgetStats[], terminal: Terminal): void {
  showTable(terminal, ["budget", "limit", "spent", "of it", "set aside", "starts anew"], budgets.map(budgetRow));
}

function budgetRow({ scope, limit, spent, reserved, resetTime }: BudgetStats): string[] {
  const reset = resetTime === undefined ? "" : `${timestampDate(resetTime).toISOString().slice(0, 10)} UTC`;
  return [
    scope === "tenant" ? "this tenant" : scope,
    limit === undefined ? "none" : money(limit),
    money(spent),
    shareOf(spent, limit),
    money(reserved),
    reset,
  ];
}

function shareOf(spent: Money | undefined, limit: Money | undefined): string {
  if (spent === undefined || limit === undefined || amountOf(limit) === 0) return "";
  return `${Math.round((100 * amountOf(spent)) / amountOf(limit))} %`;
}
