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
}

/** What was spent, on its way into the ledger. The owner calls `close`. */
export interface Settlements {
  /**
   * Gives what the tenant has spent in that month by all that goes into the ledger together with this; the same holding grows with each. It is
   * told of in `onRecorded`. Undefined where there is no room.
   */
  add(entry: LedgerEntry): Holding | undefined;
  /** Records what waits, `limitMs` at most; what is left then is dropped. */
  close(limitMs: number): Promise<void>;
}

/** Sums by tenant, day, service and model that may wait. */
const MAX_ENTRIES = 10_000;
const ATTEMPT_LIMIT_MS = 5_000;
/** After a first failure; it doubles with each further one. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
const CLOSING_PAUSE_MS = 100;

/**
 * Adds up what belongs together and writes it in batches, one at a time, each until the ledger has taken it. A batch keeps its id: where an
 * answer got lost on the way, the second attempt changes nothing.
 */
export function createSettlements(options: SettlementsOptions): Settlements {
  const { ledger, onRecorded, onFailure, onDropped, delayMs = 200 } = options;
  const closing = Promise.withResolvers<void>();
  const ended = new AbortController();
  let isClosing = false;
  let filling = createFilling();
  let running: Promise<void> | undefined;

  const recordWhole = async (batch: Batch, holdings: readonly Holding[]): Promise<void> => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(ATTEMPT_LIMIT_MS)]);
        onRecorded(holdings, await ledger.record(batch, signal));
        return;
      } catch (error) {
        if (ended.signal.aborted) return batch.entries.forEach((entry) => onDropped(entry));
        onFailure(error);
        if (isClosing) await pause(CLOSING_PAUSE_MS);
        else await pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt), closing.promise);
      }
    }
  };

  const drain = async (): Promise<void> => {
    await pause(delayMs, closing.promise);
    while (filling.entries.size > 0) {
      const { entries, holdings } = filling;
      filling = createFilling();
      await recordWhole({ id: randomUUID(), entries: [...entries.values()] }, [...holdings.values()]);
    }
    running = undefined;
  };

  return {
    add: (entry) => {
      if (ended.signal.aborted || !filling.hasRoom(entry)) {
        onDropped(entry);
        return undefined;
      }
      const holding = filling.add(entry);
      running ??= drain();
      return holding;
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
    hasRoom: (entry: LedgerEntry) => entries.size < MAX_ENTRIES || entries.has(keyOf(entry)),
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
