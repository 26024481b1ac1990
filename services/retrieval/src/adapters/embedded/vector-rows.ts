import type { WorkerPool } from "@quartet/workers";
import type { EncodedVector } from "../../domain/vector.ts";

/** Vectors lie in blocks of so many rows. */
export const blockRows = 1024;

/** Called for each row with the cosine of its vector and the query. */
export type RowVisitor = (slot: number, cosine: number) => void;

/** The vectors of one space of one collection, in memory, by the passages' slots. */
export interface VectorRows {
  readonly size: number;
  has(slot: number): boolean;
  /** Sets the vector of a slot. Its length has been checked. It may be kept: nobody is to change it afterwards. */
  set(slot: number, vector: EncodedVector): void;
  delete(slot: number): void;
  /**
   * Goes through all rows, or only those whose slot is nonzero in `allowed`, a block at a step. What has been found means nothing any
   * longer once a row has changed between two steps.
   */
  scan(query: EncodedVector, allowed: Uint8Array | undefined, visit: RowVisitor): Generator<void, void, void>;
  /** Whether a scan takes so long that it is better done in a thread. */
  readonly isHeavy: boolean;
  /** Scans all rows in a thread. Rejects as `WorkerPool.run`. */
  scanInThread(query: EncodedVector, workers: WorkerPool, signal: AbortSignal): Promise<ScannedRows>;
}

/** What a thread found. Rows may have changed since, which is made up for when they are gone through. */
export interface ScannedRows {
  /** Goes through all rows as they are now, or only those whose slot is nonzero in `allowed`. */
  forEach(allowed: Uint8Array | undefined, visit: RowVisitor): void;
  /** Ends the watch for changes. */
  close(): void;
}

/** Scores of rows by number, made in a thread, and what is needed to score again those that changed meanwhile. */
export async function scannedRows(
  rows: RowNumbers,
  scan: () => Promise<Float64Array>,
  scoreNow: (row: number) => number,
): Promise<ScannedRows> {
  const changed = rows.watch();
  const close = () => rows.unwatch(changed);
  try {
    const scores = await scan();
    return {
      forEach(allowed, visit) {
        const { slots, size } = rows;
        for (let row = 0; row < size; row += 1) {
          const slot = slots[row]!;
          if (allowed !== undefined && allowed[slot] !== 1) continue;
          visit(slot, row >= scores.length || changed.has(row) ? scoreNow(row) : scores[row]!);
        }
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** Which row is whose, without holes: the last row moves into the place of a deleted one. */
export class RowNumbers {
  readonly #rowBySlot = new Map<number, number>();
  readonly slots: number[] = [];
  readonly #watches = new Set<Set<number>>();

  get size(): number {
    return this.slots.length;
  }

  has(slot: number): boolean {
    return this.#rowBySlot.has(slot);
  }

  /** The slot's row, a new last one if it had none. */
  take(slot: number): number {
    let row = this.#rowBySlot.get(slot);
    if (row !== undefined) this.#note(row);
    else {
      row = this.slots.length;
      this.slots.push(slot);
      this.#rowBySlot.set(slot, row);
    }
    return row;
  }

  /** Removes a slot: the row `from`, which was the last, is to be copied to `to`. Undefined when the slot had none. */
  remove(slot: number): { readonly from: number; readonly to: number } | undefined {
    const to = this.#rowBySlot.get(slot);
    if (to === undefined) return undefined;
    const from = this.slots.length - 1;
    const last = this.slots.pop()!;
    this.#rowBySlot.delete(slot);
    this.#note(from);
    if (from !== to) {
      this.#note(to);
      this.slots[to] = last;
      this.#rowBySlot.set(last, to);
    }
    return { from, to };
  }

  /** The rows that change from now on, until `unwatch`; new ones come after the last. */
  watch(): ReadonlySet<number> {
    const changed = new Set<number>();
    this.#watches.add(changed);
    return changed;
  }

  unwatch(changed: ReadonlySet<number>): void {
    this.#watches.delete(changed as Set<number>);
  }

  #note(row: number): void {
    for (const changed of this.#watches) changed.add(row);
  }
}
