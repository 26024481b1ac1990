import { BudgetError } from "./budget-error.ts";
import type { Ledger, MonthTotals } from "./ledger.ts";

export interface ReadingsOptions {
  readonly ledger: Pick<Ledger, "totals">;
  /** Told of what is read. */
  readonly learn: (totals: MonthTotals) => void;
  /** In milliseconds, never backwards. */
  readonly now: () => number;
  readonly onFailure: (error: unknown) => void;
}

/** What the ledger said of each tenant, and when. */
export interface Readings {
  /**
   * Resolves once the ledger was read for this tenant within the last 2 seconds; where it cannot be read, once what it said within the last
   * 5 minutes has to do.
   *
   * @throws {BudgetError} UPSTREAM_FAILED where it said nothing for longer, or the signal's reason when it is aborted.
   */
  ensure(month: string, tenant: string, signal: AbortSignal): Promise<void>;
}

/** What other replicas spend in this time is not known here, where they do not share reservations. */
const FRESH_MS = 2_000;
/** A ledger that is restarted stops nobody; one that is away for longer leaves nobody to say what is spent. */
const GRACE_MS = 5 * 60_000;
const READ_LIMIT_MS = 3_000;
/** Who knows a recent total waits no longer than this for a newer one. */
const PATIENCE_MS = 300;
/** A ledger that failed is left alone for so long. */
const REST_MS = 1_000;
const MAX_TENANTS = 10_000;

interface Reading {
  month: string;
  readAt: number;
  failedAt: number;
  cause: unknown;
  underWay: Promise<void> | undefined;
}

export function createReadings({ ledger, learn, now, onFailure }: ReadingsOptions): Readings {
  const readings = new Map<string, Reading>();

  const readingOf = (tenant: string): Reading => {
    let reading = readings.get(tenant);
    if (reading === undefined) {
      if (readings.size >= MAX_TENANTS) readings.delete(readings.keys().next().value!);
      reading = { month: "", readAt: -Infinity, failedAt: -Infinity, cause: undefined, underWay: undefined };
      readings.set(tenant, reading);
    }
    return reading;
  };

  const read = async (reading: Reading, month: string, tenant: string): Promise<void> => {
    const startedAt = now();
    try {
      const { platformNanos, tenantNanos } = await ledger.totals(month, tenant, AbortSignal.timeout(READ_LIMIT_MS));
      learn({ month, platformNanos, tenants: new Map([[tenant, tenantNanos]]) });
      Object.assign(reading, { month, readAt: startedAt });
    } catch (error) {
      Object.assign(reading, { failedAt: now(), cause: error });
      onFailure(error);
    }
  };

  return {
    ensure: async (month, tenant, signal) => {
      signal.throwIfAborted();
      const reading = readingOf(tenant);
      const isKnown = () => now() - reading.readAt <= GRACE_MS;
      if (reading.month === month && now() - reading.readAt < FRESH_MS) return;
      if (now() - reading.failedAt >= REST_MS) {
        reading.underWay ??= read(reading, month, tenant).finally(() => (reading.underWay = undefined));
        await unlessAborted(reading.underWay, isKnown() ? PATIENCE_MS : READ_LIMIT_MS, signal);
      }
      if (isKnown()) return;
      throw new BudgetError(
        "UPSTREAM_FAILED",
        "The ledger of spending cannot be read, so nobody knows what a budget has left. Try again; the operator should look at its database.",
        { retryDelayMs: REST_MS, cause: reading.cause },
      );
    },
  };
}

/** Until it has ended, or for so long; then it goes on by itself. @throws the signal's reason */
async function unlessAborted(work: Promise<void>, limitMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = () => reject(signal.reason);
  const timer = setTimeout(resolve, limitMs);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}
