import { randomUUID } from "node:crypto";
import type { Holding } from "./holdings.ts";
import type { Batch, Ledger, LedgerEntry, MonthTotals } from "./ledger.ts";
import { monthOfDay } from "./month.ts";

export interface SettlementsOptions {
  readonly ledger: Pick<Ledger, "record">;
  /** The ledger has these now. */
  readonly onRecorded: (holdings: readonly Holding[], totals: readonly MonthTotals[]) => void;
  /** The ledger did not take a batch, which is tried again. */
  readonly onFailure: (error: unknown) => void;
  /** There was no room, or no time: this was spent and will be in no record. */
  readonly onDropped: (entry: LedgerEntry) => void;
  /** How long an entry waits for others to go with. Default: 200. */
  readonly delayMs?: number | undefined;
  /** Sums by tenant, day, service and model that may wait. Default: 10,000. */
  readonly maxEntries?: number;
  /** How long one attempt may take. Default: 5,000. */
  readonly limitMs?: number;
  /** The pause after a first failure; it doubles with each further one, up to 10 s. Default: 500. */
  readonly baseMs?: number | undefined;
}

/** What was spent, on its way into the ledger. The owner calls `close`. */
export interface Settlements {
  /**
   * Gives what the tenant has spent in that month by all that goes into the ledger together with this; the same holding grows with each. It is
   * told of in `onRecorded`. Undefined where there is no room.
   */
  add(entry: LedgerEntry): Holding | undefined;
  /** Sums that are not in the ledger. */
  readonly waiting: number;
  /** Records what waits, `limitMs` at most; what is left then is dropped. */
  close(limitMs: number): Promise<void>;
}

const LONGEST_PAUSE_MS = 10_000;
const CLOSING_PAUSE_MS = 100;

/**
 * Adds up what belongs together and writes it in batches, one at a time, each until the ledger has taken it. A batch keeps its id: where an
 * answer got lost on the way, the second attempt changes nothing.
 */
export function createSettlements(options: SettlementsOptions): Settlements {
  const { ledger, onRecorded, onFailure, onDropped } = options;
  const { delayMs = 200, maxEntries = 10_000, limitMs = 5_000, baseMs = 500 } = options;
  const closing = Promise.withResolvers<void>();
  const ended = new AbortController();
  let isClosing = false;
  let filling = createFilling();
  let underWay = 0;
  let running: Promise<void> | undefined;

  const recordWhole = async (batch: Batch, holdings: readonly Holding[]): Promise<void> => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(limitMs)]);
        onRecorded(holdings, await ledger.record(batch, signal));
        return;
      } catch (error) {
        if (ended.signal.aborted) return batch.entries.forEach((entry) => onDropped(entry));
        onFailure(error);
        if (isClosing) await pause(CLOSING_PAUSE_MS);
        else await pause(Math.min(LONGEST_PAUSE_MS, baseMs * 2 ** attempt), closing.promise);
      }
    }
  };

  const drain = async (): Promise<void> => {
    await pause(delayMs, closing.promise);
    while (filling.entries.size > 0) {
      const { entries, holdings } = filling;
      filling = createFilling();
      underWay = entries.size;
      await recordWhole({ id: randomUUID(), entries: [...entries.values()] }, [...holdings.values()]);
      underWay = 0;
    }
    running = undefined;
  };

  return {
    add: (entry) => {
      if (ended.signal.aborted || !filling.hasRoom(entry, maxEntries)) {
        onDropped(entry);
        return undefined;
      }
      const holding = filling.add(entry);
      running ??= drain();
      return holding;
    },
    get waiting() {
      return filling.entries.size + underWay;
    },
    close: async (closeLimitMs) => {
      isClosing = true;
      closing.resolve();
      const end = () => ended.abort(new Error("the process is going down"));
      const timer = setTimeout(end, closeLimitMs);
      await running;
      clearTimeout(timer);
      end();
    },
  };
}

/** The next batch, as it fills. */
function createFilling() {
  const entries = new Map<string, LedgerEntry>();
  const holdings = new Map<string, Holding>();
  const keyOf = ({ tenant, day, service, model }: LedgerEntry) => JSON.stringify([tenant, day, service, model]);
  return {
    entries,
    holdings,
    hasRoom: (entry: LedgerEntry, maxEntries: number) => entries.size < maxEntries || entries.has(keyOf(entry)),
    add: (entry: LedgerEntry): Holding => {
      const key = keyOf(entry);
      const there = entries.get(key);
      entries.set(key, there === undefined ? entry : sumOf(there, entry));
      const { tenant, day, costNanos } = entry;
      const month = monthOfDay(day);
      const held = holdings.get(`${month} ${tenant}`);
      const holding = { id: held?.id ?? randomUUID(), month, tenant, nanos: (held?.nanos ?? 0) + costNanos };
      holdings.set(`${month} ${tenant}`, holding);
      return holding;
    },
  };
}

function sumOf(one: LedgerEntry, other: LedgerEntry): LedgerEntry {
  return {
    ...one,
    calls: one.calls + other.calls,
    inputTokens: one.inputTokens + other.inputTokens,
    cachedInputTokens: one.cachedInputTokens + other.cachedInputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    costNanos: one.costNanos + other.costNanos,
  };
}

/** Waits, or until what wakes it. */
async function pause(ms: number, wakes?: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const elapsed = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([elapsed, ...(wakes === undefined ? [] : [wakes])]);
  clearTimeout(timer);
}
