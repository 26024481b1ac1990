import { quantizeInt8 } from "@quartet/vector";
import { type WorkerPool, workerTask } from "@quartet/workers";
import type { EncodedVector } from "../../domain/vector.ts";
import { addColumns } from "./hashed-scores.ts";
import type { HashedScan } from "./score-rows.worker.ts";
import {
  blockRows,
  type RowVisitor,
  RowNumbers,
  type ScannedRows,
  scannedRows,
  type VectorRows,
} from "./vector-rows.ts";

/** Components that are added up in some 5 ms: rows times those of the query that are not 0. */
const heavyComponents = 4_500_000;
/** As a question has. */
const usualNonZeros = 90;

const scoreHashed = workerTask<HashedScan, Float64Array>(import.meta.url, "./score-rows.worker", "scoreHashed");

/** A column of so many rows is a line of the processor's cache. */
const waitingRows = 64;

/** The vectors of `blockRows` rows, shared with the threads that scan them. */
interface Block {
  /** The component of row r in dimension d at [d x blockRows + r]. */
  readonly columns: Int8Array;
  /** One over the length of each row's bytes, 0 for the zero vector. */
  readonly inverseLengths: Float64Array;
}

/**
 * Sparse vectors of spelling, one byte a component, searched by column: a query of some ninety n-grams reads ninety columns instead of all
 * 2,048. A block's sums stay in the processor's nearest cache.
 */
export class HashedRows implements VectorRows {
  readonly #dimensions: number;
  readonly #numbers = new RowNumbers();
  readonly #blocks: Block[] = [];
  readonly #sums = new Float64Array(blockRows);
  /**
   * The last rows, which wait for others: writing one alone into columns costs far more than its share of writing many together. Their number is
   * what `#numbers` has more than `#inColumns`.
   */
  #waiting = new Int8Array(0);
  readonly #stride: number;
  #inColumns = 0;

  constructor(dimensions: number) {
    this.#dimensions = dimensions;
    // Not a power of two: rows that far apart would all compete for the same few lines of the cache.
    this.#stride = dimensions + waitingRows;
  }

  get size(): number {
    return this.#numbers.size;
  }

  has(slot: number): boolean {
    return this.#numbers.has(slot);
  }

  set(slot: number, vector: EncodedVector): void {
    const isNew = !this.#numbers.has(slot);
    const row = this.#numbers.take(slot);
    if (row >= this.#blocks.length * blockRows) this.#blocks.push(emptyBlock(this.#dimensions));
    const { columns, inverseLengths } = this.#blocks[Math.floor(row / blockRows)]!;
    const place = row % blockRows;
    const bytes = toBytes(vector);
    inverseLengths[place] = inverseLength(bytes);
    if (isNew) {
      if (this.#waiting.length === 0) this.#waiting = new Int8Array(this.#stride * waitingRows);
      this.#waiting.set(bytes, (row - this.#inColumns) * this.#stride);
      // What waits is never of two blocks.
      if (row - this.#inColumns === waitingRows - 1 || place === blockRows - 1) this.#writeColumns();
      return;
    }
    this.#writeColumns();
    for (let dimension = 0; dimension < bytes.length; dimension += 1) {
      columns[dimension * blockRows + place] = bytes[dimension]!;
    }
  }

  delete(slot: number): void {
    this.#writeColumns();
    const moved = this.#numbers.remove(slot);
    if (moved === undefined) return;
    this.#inColumns -= 1;
    const from = this.#blocks[Math.floor(moved.from / blockRows)]!;
    const to = this.#blocks[Math.floor(moved.to / blockRows)]!;
    const [sourcePlace, targetPlace] = [moved.from % blockRows, moved.to % blockRows];
    for (let column = 0; column < to.columns.length; column += blockRows) {
      to.columns[column + targetPlace] = from.columns[column + sourcePlace]!;
    }
    to.inverseLengths[targetPlace] = from.inverseLengths[sourcePlace]!;
    if (this.#numbers.size <= (this.#blocks.length - 1) * blockRows) this.#blocks.pop();
  }

  *scan(query: EncodedVector, allowed: Uint8Array | undefined, visit: RowVisitor): Generator<void, void, void> {
    this.#writeColumns();
    const { dimensions, weights } = nonZeros(query);
    const { slots, size } = this.#numbers;
    const sums = this.#sums;
    for (let first = 0; first < size; first += blockRows) {
      const { columns, inverseLengths } = this.#blocks[first / blockRows]!;
      const count = Math.min(blockRows, size - first);
      addColumns(sums, columns, dimensions, weights, count);
      for (let place = 0; place < count; place += 1) {
        const slot = slots[first + place]!;
        if (allowed === undefined || allowed[slot] === 1) visit(slot, sums[place]! * inverseLengths[place]!);
      }
      yield;
    }
  }

  get isHeavy(): boolean {
    return this.size * usualNonZeros > heavyComponents;
  }

  scanInThread(query: EncodedVector, workers: WorkerPool, signal: AbortSignal): Promise<ScannedRows> {
    this.#writeColumns();
    const { dimensions, weights } = nonZeros(query);
    const scan = { blocks: [...this.#blocks], size: this.size, dimensions, weights };
    return scannedRows(
      this.#numbers,
      () => workers.run(scoreHashed, scan, { signal }),
      (row) => this.#scoreOf(row, dimensions, weights),
    );
  }

  #scoreOf(row: number, dimensions: readonly number[], weights: readonly number[]): number {
    this.#writeColumns();
    const { columns, inverseLengths } = this.#blocks[Math.floor(row / blockRows)]!;
    const place = row % blockRows;
    let sum = 0;
    dimensions.forEach((dimension, index) => (sum += weights[index]! * columns[dimension * blockRows + place]!));
    return sum * inverseLengths[place]!;
  }

  #writeColumns(): void {
    const count = this.#numbers.size - this.#inColumns;
    if (count === 0) return;
    const { columns } = this.#blocks[Math.floor(this.#inColumns / blockRows)]!;
    const waiting = this.#waiting;
    const stride = this.#stride;
    let to = this.#inColumns % blockRows;
    for (let dimension = 0; dimension < this.#dimensions; dimension += 1, to += blockRows) {
      for (let index = 0, from = dimension; index < count; index += 1, from += stride) {
        columns[to + index] = waiting[from]!;
      }
    }
    this.#inColumns += count;
  }
}

function emptyBlock(dimensions: number): Block {
  return {
    columns: new Int8Array(new SharedArrayBuffer(dimensions * blockRows)),
    inverseLengths: new Float64Array(new SharedArrayBuffer(blockRows * Float64Array.BYTES_PER_ELEMENT)),
  };
}

function inverseLength(bytes: Int8Array): number {
  let squares = 0;
  for (let at = 0; at < bytes.length; at += 1) squares += bytes[at]! * bytes[at]!;
  return squares > 0 ? 1 / Math.sqrt(squares) : 0;
}

function toBytes(vector: EncodedVector): Int8Array {
  return vector.kind === "int8" ? vector.values : quantizeInt8(vector.values).bytes;
}

/** The query's components that are not 0, at unit length. */
function nonZeros({ values }: EncodedVector): { readonly dimensions: number[]; readonly weights: number[] } {
  const dimensions: number[] = [];
  let squares = 0;
  for (let dimension = 0; dimension < values.length; dimension += 1) {
    const value = values[dimension]!;
    if (value === 0) continue;
    dimensions.push(dimension);
    squares += value * value;
  }
  const length = Math.sqrt(squares);
  return { dimensions, weights: dimensions.map((dimension) => values[dimension]! / length) };
}
