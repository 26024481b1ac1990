import { createManualClock } from "@quartet/testing";
import { openSqliteLedger } from "../adapters/sqlite-ledger.ts";
import {
  type Budget,
  type BudgetEvents,
  type BudgetOptions,
  createBudget,
  type PlannedCall,
} from "../domain/budget.ts";
import type { Ledger } from "../domain/ledger.ts";

/** A nano-dollar a token, whichever: what is reserved and what is spent can be read off the tokens. */
export const prices: BudgetOptions["prices"] = new Map([
  ["a-model", { inputNanos: 1_000_000, cachedInputNanos: 500_000, outputNanos: 1_000_000 }],
  ["free", { inputNanos: 0, cachedInputNanos: 0, outputNanos: 0 }],
]);

/** A ledger whose store fails as told. */
export function createFaultyLedger(ledger: Ledger = openSqliteLedger({ folder: ":memory:" })) {
  let fault: "none" | "fails" | "hangs" | "loses answers" = "none";
  const around = async <T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
    if (fault === "fails") throw new Error("the store is away");
    if (fault === "hangs") {
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
    }
    const result = await work();
    if (fault === "loses answers") throw new Error("the connection broke");
    return result;
  };
  const faulty: Ledger = {
    totals: (month, tenant, signal) => around(signal, () => ledger.totals(month, tenant, signal)),
    record: (batch, signal) => around(signal, () => ledger.record(batch, signal)),
    close: () => ledger.close(),
  };
  return { ledger: faulty, genuine: ledger, set: (to: typeof fault) => void (fault = to) };
}

export const november = Date.UTC(2026, 10, 21, 12);

/** A budget whose clocks stand still; `call` reserves for one that takes so many tokens at most. */
export function openTestBudget(options: Partial<BudgetOptions> = {}) {
  const clock = createManualClock(november);
  const told: { [Event in keyof BudgetEvents]: unknown[] } = {
    spent: [],
    refused: [],
    ledgerFailed: [],
    ledgerRecorded: [],
    platformSpent: [],
    dropped: [],
  };
  const note =
    (event: keyof BudgetEvents) =>
    (...given: unknown[]) =>
      void told[event].push(...given);
  const budget: Budget = createBudget({
    prices,
    limits: { platformNanos: 1_000 },
    ledger: openSqliteLedger({ folder: ":memory:" }),
    events: {
      spent: note("spent"),
      refused: note("refused"),
      ledgerFailed: note("ledgerFailed"),
      ledgerRecorded: () => void told.ledgerRecorded.push(1),
      platformSpent: note("platformSpent"),
      dropped: note("dropped"),
    },
    wallClock: clock.now,
    now: clock.now,
    ledgerDelayMs: 1,
    ...options,
  });
  const signal = AbortSignal.timeout(60_000);
  const call = (tokens: number, given: Partial<PlannedCall> = {}) =>
    budget.reserve({ tenant: "acme", service: "generation", model: "a-model", inputTokens: tokens, signal, ...given });
  const spentBy = async (tenant: string) => {
    const [platform, own] = await budget.figures(tenant, signal);
    return { platform: platform!.spentNanos, tenant: own!.spentNanos, reserved: platform!.reservedNanos };
  };
  return { budget, clock, told, call, spentBy };
}

export const billed = (inputTokens: number) => ({ inputTokens, calls: 1 });
