import type { Telemetry } from "@quartet/service";
import type { BudgetEvents } from "./domain/budget.ts";
import type { BudgetLimits } from "./domain/limits.ts";
import { toDollars } from "./domain/money.ts";

/** A ledger that is away says so once in this time, and so does a platform's budget that has no room. */
const LOG_EVERY_MS = { ledger: 30_000, refusal: 600_000 } as const;
/** Shares of the platform's budget at which operators are told, once each a month. */
const TOLD_AT = [0.8, 0.95] as const;
/** Who is told to come back sooner is in the way of calls that are about to end. */
const SOON_MS = 60_000;

/** Counts and logs what happens to money; never whose it is. */
export function createBudgetEvents({ log, metrics }: Telemetry, { platformNanos }: BudgetLimits): BudgetEvents {
  const spent = metrics.counter("quartet_spent_dollars_total");
  const refused = metrics.counter("quartet_budget_refused_total");
  const records = metrics.counter("quartet_ledger_records_total");
  const tellShare = createShareTeller(platformNanos, (share) =>
    log.warn({ percent: Math.round(share * 100) }, "that much of the month's budget of all tenants together is spent"),
  );
  if (platformNanos !== undefined)
    metrics.gauge("quartet_budget_platform_limit_dollars").with({}).set(toDollars(platformNanos));
  const logLedger = atMostEvery(LOG_EVERY_MS.ledger);
  const logRefusal = atMostEvery(LOG_EVERY_MS.refusal);
  return {
    spent: ({ service, model, costNanos }) => spent.with({ service, model }).add(toDollars(costNanos)),
    refused: ({ reason, retryDelayMs = 0 }, scope) => {
      refused.with({ reason, scope: scope ?? "" }).add();
      if (scope !== "platform" || retryDelayMs <= SOON_MS) return;
      logRefusal(() =>
        log.warn(
          {},
          "the budget of all tenants together has no room: no model is asked until the month is over or it is raised",
        ),
      );
    },
    platformSpent: (nanos) => {
      metrics.gauge("quartet_budget_platform_spent_dollars").with({}).set(toDollars(nanos));
      tellShare(nanos);
    },
    ledgerRecorded: () => records.with({ outcome: "recorded" }).add(),
    ledgerFailed: (error) => {
      records.with({ outcome: "failed" }).add();
      logLedger(() =>
        log.warn(
          { err: error },
          "the ledger of spending does not answer; what is spent is kept and recorded when it does",
        ),
      );
    },
    dropped: ({ service, model, costNanos }) => {
      records.with({ outcome: "dropped" }).add();
      log.error({ service, model, dollars: toDollars(costNanos) }, "money was spent that is in no ledger");
    },
  };
}

function atMostEvery(ms: number): (tell: () => void) => void {
  let toldAt = -Infinity;
  return (tell) => {
    if (performance.now() - toldAt < ms) return;
    toldAt = performance.now();
    tell();
  };
}

/** Tells of each share when it is first reached. What falls has started anew. */
function createShareTeller(limit: number | undefined, tell: (share: number) => void): (nanos: number) => void {
  let last = 0;
  return (nanos) => {
    if (limit === undefined || limit === 0) return;
    const from = nanos < last ? 0 : last;
    last = nanos;
    const reached = TOLD_AT.filter((share) => from < share * limit && nanos >= share * limit).at(-1);
    if (reached !== undefined) tell(reached);
  };
}
