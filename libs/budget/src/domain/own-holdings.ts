import { type Holding, HOLDING_LIFETIME_MS, judge, type Limits, type Sums, type Verdict } from "./holdings.ts";
import type { MonthTotals, Totals } from "./ledger.ts";

/** What this process holds, whoever else does: at once, and exact for its own calls. */
export interface OwnHoldings {
  reserve(holding: Holding, limits: Limits): Verdict;
  /** The call has ended, also where its reservation is over; `spent` is the tenant's, with what was spent before it. */
  settle(reservationId: string, spent: Holding): void;
  release(id: string): void;
  /** These are in the ledger now. */
  recorded(holdings: readonly Pick<Holding, "id">[]): void;
  /** What the ledger said: totals of a month only grow, so the highest holds. */
  learn(totals: MonthTotals): void;
  /** The highest totals that the ledger said so far, 0 where it said none. */
  known(month: string, tenant: string): Totals;
  sums(month: string, tenant: string): Sums;
}

interface Entry {
  readonly month: string;
  readonly tenant: string;
  readonly nanos: number;
  readonly isSettled: boolean;
  readonly endsAt: number;
}

interface Held {
  reserved: number;
  settled: number;
}

/** What is kept of one month. The platform's own is under the name of no tenant. */
interface MonthBook {
  readonly held: Map<string, Held>;
  readonly totals: Map<string, number>;
}

const PLATFORM = "";
const SWEEP_EVERY_MS = 1_000;

export function createOwnHoldings({ now }: { readonly now: () => number }): OwnHoldings {
  const entries = new Map<string, Entry>();
  /** This one, and earlier ones while calls that began in them go on. */
  const months = new Map<string, MonthBook>();
  let sweptAt = -Infinity;

  const bookOf = (month: string): MonthBook => {
    let book = months.get(month);
    if (book === undefined) {
      for (const [id, { held }] of months) if (id < month && held.size === 0) months.delete(id);
      months.set(month, (book = { held: new Map(), totals: new Map() }));
    }
    return book;
  };

  const add = ({ month, tenant, nanos, isSettled }: Entry, sign: 1 | -1) => {
    const { held } = bookOf(month);
    for (const name of [PLATFORM, tenant]) {
      const sum = held.get(name) ?? { reserved: 0, settled: 0 };
      sum[isSettled ? "settled" : "reserved"] += sign * nanos;
      if (sum.reserved === 0 && sum.settled === 0) held.delete(name);
      else held.set(name, sum);
    }
  };

  const put = (id: string, entry: Entry) => {
    remove(id);
    entries.set(id, entry);
    add(entry, 1);
  };

  const remove = (id: string) => {
    const entry = entries.get(id);
    if (entry === undefined) return;
    entries.delete(id);
    add(entry, -1);
  };

  /** Only reservations end by themselves: what was spent stays until the ledger has it. */
  const sweep = () => {
    if (now() - sweptAt < SWEEP_EVERY_MS) return;
    sweptAt = now();
    for (const [id, { endsAt, isSettled }] of entries) if (!isSettled && endsAt <= sweptAt) remove(id);
  };

  const sums = (month: string, tenant: string): Sums => {
    const { held, totals } = bookOf(month);
    const of = (name: string) => {
      const { reserved, settled } = held.get(name) ?? { reserved: 0, settled: 0 };
      return { spentNanos: (totals.get(name) ?? 0) + settled, reservedNanos: reserved };
    };
    return { platform: of(PLATFORM), tenant: of(tenant) };
  };

  return {
    reserve: ({ id, month, tenant, nanos }, limits) => {
      sweep();
      const verdict = judge(sums(month, tenant), nanos, limits);
      if (verdict.kind === "held")
        put(id, { month, tenant, nanos, isSettled: false, endsAt: now() + HOLDING_LIFETIME_MS });
      return verdict;
    },
    settle: (reservationId, { id, month, tenant, nanos }) => {
      remove(reservationId);
      put(id, { month, tenant, nanos, isSettled: true, endsAt: Infinity });
    },
    release: remove,
    recorded: (holdings) => holdings.forEach(({ id }) => remove(id)),
    learn: ({ month, platformNanos, tenants }) => {
      const { totals } = bookOf(month);
      const raise = (name: string, nanos: number) => totals.set(name, Math.max(totals.get(name) ?? 0, nanos));
      raise(PLATFORM, platformNanos);
      for (const [tenant, nanos] of tenants) raise(tenant, nanos);
    },
    known: (month, tenant) => {
      const { totals } = bookOf(month);
      return { platformNanos: totals.get(PLATFORM) ?? 0, tenantNanos: totals.get(tenant) ?? 0 };
    },
    sums: (month, tenant) => {
      sweep();
      return sums(month, tenant);
    },
  };
}
