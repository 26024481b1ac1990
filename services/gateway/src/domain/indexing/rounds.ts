import { reasonOf } from "@quartet/errors";

export interface RoundsOptions {
  /** Every tenant that there may be something to do for. */
  readonly tenants: (signal: AbortSignal) => Promise<readonly string[]>;
  /** Gives a tenant a turn; how much was done, 0 when nothing is left. */
  readonly index: (tenant: string, signal: AbortSignal) => Promise<number>;
  /** Tenants looked at in one round without news of them, in turn. Default 100. */
  readonly maxTenants?: number;
  /** Tenants with news that are remembered; those beyond are found when it is their turn. Default 10,000. */
  readonly maxNews?: number;
  /** Told of a tenant that failed while others did not. */
  readonly failed: (error: unknown) => void;
  /** In milliseconds, never backwards. Default: performance.now. */
  readonly now?: () => number;
}

export interface Rounds {
  /** There may be something to do for this tenant: it comes first in the next round. */
  news(tenant: string): void;
  /** Gives tenants their turns; how much was done. */
  round(signal: AbortSignal): Promise<number>;
}

/**
 * How long a tenant is left alone whose budget is spent. It would be refused until the month is over; but a budget may be raised, and the
 * platform's may be spent as well as the tenant's own.
 */
const SPENT_REST_MS = 5 * 60_000;

/** So many tenants that fail one after the other fail for a reason that they share. */
const MAX_FAILURES_IN_A_ROW = 3;

/**
 * Goes round the tenants: first those with news or with more to do, then the others, each in its turn over the rounds. A turn is short, so
 * that a tenant with a million passages keeps none waiting; and a tenant that fails holds up no other.
 */
export function createRounds(options: RoundsOptions): Rounds {
  const { tenants, index, maxTenants = 100, maxNews = 10_000, failed, now = () => performance.now() } = options;
  const fresh = new Set<string>();
  /** Until when tenants without money are left alone. */
  const restsUntil = new Map<string, number>();
  let last = "";

  const addNews = (tenant: string) => {
    if (fresh.size < maxNews) fresh.add(tenant);
  };

  const rests = (tenant: string): boolean => {
    if (now() < (restsUntil.get(tenant) ?? 0)) return true;
    restsUntil.delete(tenant);
    return false;
  };

  /** Some of the others: those that come after the last one, and then from the beginning. */
  const nextOf = (others: readonly string[]): readonly string[] => {
    const sorted = [...others].sort();
    const start = sorted.findIndex((tenant) => tenant > last);
    const inTurn = start <= 0 ? sorted : [...sorted.slice(start), ...sorted.slice(0, start)];
    return inTurn.slice(0, maxTenants);
  };

  return {
    news: addNews,
    async round(signal) {
      const first = new Set([...fresh].filter((tenant) => !rests(tenant)));
      const others = nextOf((await tenants(signal)).filter((tenant) => !fresh.has(tenant) && !rests(tenant)));
      let count = 0;
      const failures: { readonly tenant: string; readonly error: unknown }[] = [];
      let inARow = 0;
      let visited = 0;
      for (const tenant of [...first, ...others]) {
        if (!fresh.delete(tenant)) last = tenant;
        visited += 1;
        try {
          const done = await index(tenant, signal);
          count += done;
          if (done > 0) addNews(tenant);
          inARow = 0;
        } catch (error) {
          signal.throwIfAborted();
          if (reasonOf(error) === "BUDGET_EXHAUSTED") {
            // Its own affair: it says nothing about the next one, and nobody waits for it.
            visited -= 1;
            restsUntil.set(tenant, now() + SPENT_REST_MS);
            addNews(tenant);
            failed(error);
            continue;
          }
          failures.push({ tenant, error });
          inARow += 1;
          if (inARow >= MAX_FAILURES_IN_A_ROW) break;
        }
      }
      if (failures.length > 0 && (inARow >= MAX_FAILURES_IN_A_ROW || failures.length === visited)) {
        // Nobody got on; it is tried again with everything, after a pause.
        for (const { tenant } of failures) addNews(tenant);
        throw failures[0]!.error;
      }
      for (const { error } of failures) failed(error);
      return count;
    },
  };
}
