/** What calls to one model came to on one day, added up. */
export interface LedgerEntry {
  readonly tenant: string;
  /** In UTC, as `2026-11-21`. */
  readonly day: string;
  /** Who made the calls: `embedding` or `generation`. */
  readonly service: string;
  readonly model: string;
  readonly calls: number;
  /** Cached ones included. */
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly costNanos: number;
}

/**
 * The most that is told of a total, 9 million dollars. A provider that lies can bring a total above what a number holds; then no budget has room,
 * and nobody has to find out why the ledger cannot be read.
 */
export const MAX_TOTAL_NANOS = Number.MAX_SAFE_INTEGER;

/** What was spent in a month. */
export interface Totals {
  readonly platformNanos: number;
  readonly tenantNanos: number;
}

/** The totals of a month after something was recorded in it. */
export interface MonthTotals {
  /** As `2026-11`. */
  readonly month: string;
  readonly platformNanos: number;
  /** Of the tenants that were recorded. */
  readonly tenants: ReadonlyMap<string, number>;
}

export interface Batch {
  /** A UUID: a batch that is recorded again, because nobody heard that it was, counts once. */
  readonly id: string;
  readonly entries: readonly LedgerEntry[];
}

/** Port: the record of what was spent. Every method fails with whatever its store fails with. */
export interface Ledger {
  /** Makes sure that the store is one to be used. @throws {StartError} where it is not; one that is away may come later. */
  start?(signal: AbortSignal): Promise<void>;
  /** @param month as `2026-11` */
  totals(month: string, tenant: string, signal: AbortSignal): Promise<Totals>;
  /** All of it or nothing, once for each id. Gives the totals of the months concerned. */
  record(batch: Batch, signal: AbortSignal): Promise<readonly MonthTotals[]>;
  close(): Promise<void>;
}
