import { describe, expect, it } from "@jest/globals";
import { createLogger, createMetrics } from "@quartet/telemetry";
import { createBudgetEvents } from "./budget-events.ts";
import { BudgetError } from "./domain/budget-error.ts";
import { toNanos } from "./domain/money.ts";
import { entryOf } from "./test/ledger-suite.ts";

function setUp(platformDollars?: number) {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
  const log = createLogger({ service: "test", level: "info", destination });
  const metrics = createMetrics({ component: "test", processMetrics: false });
  const platformNanos = platformDollars === undefined ? undefined : toNanos(platformDollars);
  const events = createBudgetEvents({ log, metrics }, { platformNanos });
  return { events, lines, exposition: async () => (await metrics.exposition()).text };
}

describe("what operators hear of money", () => {
  it("is told once when 80 and 95 % of the platform's budget are spent, and anew in the next month", () => {
    const { events, lines } = setUp(1000);
    for (const dollars of [10, 799, 800, 801, 949, 950, 1000, 3, 900, 900]) events.platformSpent(toNanos(dollars));
    expect(lines.map(({ percent }) => percent)).toEqual([80, 95, 80]);
    const late = setUp(1000);
    late.events.platformSpent(toNanos(1200));
    expect(late.lines.map(({ percent }) => percent)).toEqual([95]);
    const unlimited = setUp();
    unlimited.events.platformSpent(toNanos(1e5));
    expect(unlimited.lines).toEqual([]);
  });

  it("is counted without the name of a tenant, and lost money is told each time", async () => {
    const { events, lines, exposition } = setUp(1000);
    events.spent(entryOf({ costNanos: 250_000_000 }));
    events.refused(new BudgetError("BUDGET_EXHAUSTED", "no room"), "tenant");
    events.refused(new BudgetError("MODEL_UNKNOWN", "no price"), undefined);
    for (const retryDelayMs of [2_000, 86_400_000, 86_400_000])
      events.refused(new BudgetError("BUDGET_EXHAUSTED", "no room", { retryDelayMs }), "platform");
    events.dropped(entryOf({ tenant: "canary-tenant", costNanos: 5 }));
    for (let times = 0; times < 3; times += 1) events.ledgerFailed(new Error("away"));
    const text = await exposition();
    expect(text).toMatch(/quartet_spent_dollars_total\{service="generation",model="a-model",[^}]*\} 0\.25/);
    expect(text).toMatch(/quartet_budget_refused_total\{reason="BUDGET_EXHAUSTED",scope="tenant",[^}]*\} 1/);
    expect(text).toMatch(/quartet_budget_refused_total\{reason="MODEL_UNKNOWN",scope="",[^}]*\} 1/);
    expect(text).toMatch(/quartet_budget_platform_limit_dollars\{[^}]*\} 1000/);
    expect(text).toMatch(/quartet_ledger_records_total\{outcome="failed",[^}]*\} 3/);
    expect(lines.map(({ level, msg }) => `${String(level)} ${String(msg)}`)).toEqual([
      expect.stringMatching(/^warn the budget of all tenants together has no room/),
      expect.stringMatching(/^error money was spent/),
      expect.stringMatching(/^warn the ledger of spending does not answer/),
    ]);
    expect(JSON.stringify(lines) + text).not.toContain("canary-tenant");
  });
});
