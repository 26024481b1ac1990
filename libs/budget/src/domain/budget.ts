import { randomUUID } from "node:crypto";
import { BudgetError, type Scope } from "./budget-error.ts";
import { exhausted, unpriced } from "./refusals.ts";
import type { Holding, SharedHoldings, Sums, Verdict } from "./holdings.ts";
import type { Ledger, LedgerEntry, MonthTotals } from "./ledger.ts";
import { type BudgetLimits, limitsOf } from "./limits.ts";
import { dayOf, type Month, monthOf } from "./month.ts";
import { createOwnHoldings } from "./own-holdings.ts";
import { costOf, mostOf, type Price, type Prices, type Tokens, wholeTokens } from "./prices.ts";
import { createReadings } from "./readings.ts";
import { createSettlements } from "./settlements.ts";

/** A call that is about to be made. */
export interface PlannedCall {
  readonly tenant: string;
  /** Who makes it: `embedding` or `generation`. */
  readonly service: string;
  readonly model: string;
  /** The most tokens it can take; see `mostTokens`. */
  readonly inputTokens: number;
  /** Default: 0. */
  readonly outputTokens?: number;
  readonly signal: AbortSignal;
}

/** What calls were billed for. */
export interface BilledTokens extends Tokens {
  readonly calls: number;
}

/** Money set aside for one call. Its owner ends it by one of both; whatever comes after that changes nothing. */
export interface Reservation {
  /** The call has ended. Gives what it cost in billionths of a dollar; undefined where the model has no price. */
  settle(billed: BilledTokens): number | undefined;
  /** No call was made, or none that costs anything. */
  release(): void;
}

/** One spending limit, for whoever operates the platform. Amounts are in billionths of a dollar. */
export interface BudgetFigures {
  readonly scope: Scope;
  readonly limitNanos: number | undefined;
  /** Since the month began. */
  readonly spentNanos: number;
  /** By calls under way. */
  readonly reservedNanos: number;
  readonly resetTimeMs: number;
}

/** What may be spent and what was. The owner calls `start` before and `stop` after use. */
export interface Budget {
  /** What tokens of a model cost, in billionths of a dollar; undefined where the model has no price. */
  costNanos(model: string, tokens: Tokens): number | undefined;
  /**
   * Sets aside the most that a call can cost, for its tenant and for the platform at once, before anything is spent.
   *
   * @throws {BudgetError} where the call must not be made, or the signal's reason when it is aborted.
   */
  reserve(call: PlannedCall): Promise<Reservation>;
  /** The platform's and the tenant's, as known now; none where there are neither prices nor limits. */
  figures(tenant: string, signal: AbortSignal): Promise<readonly BudgetFigures[]>;
  /** @throws {StartError} where the ledger is not one to be used */
  start(signal: AbortSignal): Promise<void>;
  /** Records what is not in the ledger yet, for 3 seconds at most. */
  stop(): Promise<void>;
}

/** What happens here that somebody may want to count or log. */
export interface BudgetEvents {
  spent(entry: LedgerEntry): void;
  refused(error: BudgetError, scope: Scope | undefined): void;
  /** The ledger could not be read or written; both are tried again. */
  ledgerFailed(error: unknown): void;
  ledgerRecorded(): void;
  /** What all tenants have spent this month, as far as known here. */
  platformSpent(nanos: number): void;
  /** Spent, and in no record. */
  dropped(entry: LedgerEntry): void;
}

export interface BudgetOptions {
  readonly prices: Prices;
  readonly limits: BudgetLimits;
  readonly ledger: Ledger;
  /** Default: none, each process holds the rule by what the ledger said lately. */
  readonly shared?: SharedHoldings | undefined;
  readonly events: BudgetEvents;
  /** Milliseconds of the epoch. Default: Date.now. */
  readonly wallClock?: () => number;
  /** Milliseconds, never backwards. Default: performance.now. */
  readonly now?: () => number;
  /** How long what was spent waits for more before it goes into the ledger. Default: 200. */
  readonly ledgerDelayMs?: number;
}

const CLOSE_LIMIT_MS = 3_000;

/**
 * Reserve, then settle. For each scope and at every moment, what was spent, by the ledger and by calls that it does not have as yet, and what
 * calls under way may come to stay within the limit together:
 *
 *     reserve --held--> call --settle--> counted here and in Redis --the ledger took it--> counted by its totals
 *        |                '----release--> nothing
 *        '--no room--> BUDGET_EXHAUSTED, and no call
 */
export function createBudget(options: BudgetOptions): Budget {
  const { prices, limits, ledger, shared, events } = options;
  const { wallClock = Date.now, now = () => performance.now() } = options;
  const own = createOwnHoldings({ now });
  const learn = (totals: MonthTotals) => {
    own.learn(totals);
    const { id } = monthOf(wallClock());
    if (totals.month === id) events.platformSpent(own.known(id, "").platformNanos);
  };
  const readings = createReadings({ ledger, learn, now, onFailure: events.ledgerFailed });
  const settlements = createSettlements({
    ledger,
    delayMs: options.ledgerDelayMs,
    onRecorded: (holdings, totals) => {
      own.recorded(holdings);
      totals.forEach(learn);
      shared?.recorded(holdings, totals);
      events.ledgerRecorded();
    },
    onFailure: events.ledgerFailed,
    onDropped: events.dropped,
  });

  const refuse = (error: BudgetError, scope?: Scope): never => {
    events.refused(error, scope);
    throw error;
  };

  /** Here first, which is exact for the own calls; then where replicas hold theirs, which may refuse what nobody here knew of. */
  const hold = async (holding: Holding, signal: AbortSignal): Promise<Verdict> => {
    const { month, tenant } = holding;
    const asked = limitsOf(limits, tenant);
    const verdict = own.reserve(holding, asked);
    if (verdict.kind === "refused" || shared === undefined) return verdict;
    const answer = await shared.reserve(holding, { limits: asked, known: own.known(month, tenant) });
    if (answer === "bypassed" || answer.kind === "held") {
      if (!signal.aborted) return verdict;
      shared.release(holding);
    }
    own.release(holding.id);
    signal.throwIfAborted();
    return answer as Verdict;
  };

  const reservationOf = (call: PlannedCall, given: Given): Reservation => {
    const { holding, price, day, isHeld } = given;
    const { tenant, service, model } = call;
    let isOver = false;
    let cost: number | undefined;
    const end = () => {
      own.release(holding.id);
      if (isHeld) shared?.release(holding);
    };
    return {
      settle: ({ calls, inputTokens, cachedInputTokens = 0, outputTokens = 0 }) => {
        if (isOver) return cost;
        isOver = true;
        if (price === undefined) return void end();
        const tokens = {
          inputTokens: wholeTokens(inputTokens),
          cachedInputTokens: wholeTokens(cachedInputTokens),
          outputTokens: wholeTokens(outputTokens),
        };
        cost = costOf(price, tokens);
        const entry = { tenant, day, service, model, calls: wholeTokens(calls), ...tokens, costNanos: cost };
        // What no ledger will ever have is held against a limit all the same, for as long as this process lives.
        const spent = settlements.add(entry) ?? (isHeld ? { ...holding, nanos: cost } : undefined);
        if (spent !== undefined) own.settle(holding.id, spent);
        if (spent !== undefined && isHeld) shared?.settle(holding, spent);
        events.spent(entry);
        return cost;
      },
      release: () => {
        if (!isOver) end();
        isOver = true;
      },
    };
  };

  return {
    costNanos: (model, tokens) => {
      const price = prices.get(model);
      return price && costOf(price, tokens);
    },
    reserve: async (call) => {
      const { tenant, model, inputTokens, outputTokens = 0, signal } = call;
      signal.throwIfAborted();
      const timeMs = wallClock();
      const month = monthOf(timeMs);
      const price = prices.get(model);
      const { platformNanos, tenantNanos } = limitsOf(limits, tenant);
      const isBound = platformNanos !== undefined || tenantNanos !== undefined;
      if (isBound && price === undefined) return refuse(unpriced(model));
      const nanos = price === undefined ? 0 : mostOf(price, { inputTokens, outputTokens });
      const holding = { id: randomUUID(), month: month.id, tenant, nanos };
      const isHeld = isBound && nanos > 0;
      if (isHeld) {
        await readings.ensure(month.id, tenant, signal).catch((error: unknown) => {
          throw error instanceof BudgetError ? refuse(error) : error;
        });
        const verdict = await hold(holding, signal);
        if (verdict.kind === "refused") {
          const { scope } = verdict;
          const limitNanos = (scope === "tenant" ? tenantNanos : platformNanos) ?? 0;
          return refuse(exhausted({ ...verdict, limitNanos, nanos, resetInMs: month.endMs - timeMs, month }), scope);
        }
      }
      return reservationOf(call, { holding, price, day: dayOf(timeMs), isHeld });
    },
    figures: async (tenant, signal) => {
      if (prices.size === 0) return [];
      const month = monthOf(wallClock());
      await readings.ensure(month.id, tenant, signal);
      const sums = await shared?.sums(month.id, tenant, own.known(month.id, tenant));
      const found = sums === undefined || sums === "bypassed" ? own.sums(month.id, tenant) : sums;
      return figuresOf(found, limitsOf(limits, tenant), month);
    },
    start: async (signal) => await ledger.start?.(signal),
    stop: async () => {
      await settlements.close(CLOSE_LIMIT_MS);
      await shared?.close();
      await ledger.close();
    },
  };
}

interface Given {
  readonly holding: Holding;
  readonly price: Price | undefined;
  /** That of the reservation: it names the month that the money counts in. */
  readonly day: string;
  /** Whether a limit holds for it. */
  readonly isHeld: boolean;
}

function figuresOf(
  sums: Sums,
  { platformNanos, tenantNanos }: ReturnType<typeof limitsOf>,
  { endMs: resetTimeMs }: Month,
): readonly BudgetFigures[] {
  return [
    { scope: "platform", limitNanos: platformNanos, ...sums.platform, resetTimeMs },
    { scope: "tenant", limitNanos: tenantNanos, ...sums.tenant, resetTimeMs },
  ];
}
