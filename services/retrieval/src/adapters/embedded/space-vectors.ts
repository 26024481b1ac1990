import type { WorkerPool } from "@quartet/workers";
import type { EncodedVector } from "../../domain/vector.ts";
import type { RowVisitor, ScannedRows, VectorRows } from "./vector-rows.ts";

/**
 * The vectors of one space of one collection. Of a store that was opened it is known at once which passages have one; what they are is read
 * afterwards, while the store is in use, since it takes as long as all the rest. Changes may come at any time. Only a search has to wait.
 */
export class SpaceVectors {
  readonly #rows: VectorRows;
  /** The slots whose vectors are still in the file alone. */
  readonly #unread = new Set<number>();
  #reading: PromiseWithResolvers<void> | undefined;

  constructor(rows: VectorRows) {
    this.#rows = rows;
  }

  /** How many passages have a vector. */
  get size(): number {
    return this.#rows.size + this.#unread.size;
  }

  has(slot: number): boolean {
    return this.#rows.has(slot) || this.#unread.has(slot);
  }

  /** As `VectorRows.set`. */
  set(slot: number, vector: EncodedVector): void {
    this.#unread.delete(slot);
    this.#rows.set(slot, vector);
  }

  delete(slot: number): void {
    if (!this.#unread.delete(slot)) this.#rows.delete(slot);
  }

  /** The file has a vector for the slot, which `read` brings later. To be followed by `endReading`. */
  expect(slot: number): void {
    this.#unread.add(slot);
    this.#reading ??= Promise.withResolvers();
  }

  /** Brings the vector of a slot as the file has it now. */
  read(slot: number, vector: EncodedVector): void {
    if (this.#unread.has(slot)) this.set(slot, vector);
  }

  /** All has been read, or nothing more will be, for the reason given. */
  endReading(failure?: unknown): void {
    const reading = this.#reading;
    if (reading === undefined) return;
    if (failure === undefined) {
      this.#reading = undefined;
      reading.resolve();
      return;
    }
    // Those who search are told, now and later; nobody may be searching.
    reading.promise.catch(() => undefined);
    reading.reject(failure);
  }

  /** Resolves when a search finds everything, undefined if it does now. Rejects when the vectors cannot be read. */
  get whenRead(): Promise<void> | undefined {
    return this.#reading?.promise;
  }

  /** As `VectorRows.scan`; `whenRead` must be undefined. */
  scan(query: EncodedVector, allowed: Uint8Array | undefined, visit: RowVisitor): Generator<void, void, void> {
    return this.#rows.scan(query, allowed, visit);
  }

  /** As `VectorRows.isHeavy`. */
  get isHeavy(): boolean {
    return this.#rows.isHeavy;
  }

  /** As `VectorRows.scanInThread`; `whenRead` must be undefined. */
  scanInThread(query: EncodedVector, workers: WorkerPool, signal: AbortSignal): Promise<ScannedRows> {
    return this.#rows.scanInThread(query, workers, signal);
  }
}
