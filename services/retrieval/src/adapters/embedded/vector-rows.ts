import type { EncodedVector } from "../../domain/vector.ts";

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
}

/** Which row is whose, without holes: the last row moves into the place of a deleted one. */
export class RowNumbers {
  readonly #rowBySlot = new Map<number, number>();
  readonly slots: number[] = [];

  get size(): number {
    return this.slots.length;
  }

  has(slot: number): boolean {
    return this.#rowBySlot.has(slot);
  }

  /** The slot's row, a new last one if it had none. */
  take(slot: number): number {
    let row = this.#rowBySlot.get(slot);
    if (row === undefined) {
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
    if (from !== to) {
      this.slots[to] = last;
      this.#rowBySlot.set(last, to);
    }
    return { from, to };
  }
}
