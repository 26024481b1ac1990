import { quantizeInt8 } from "@quartet/vector";
import type { EncodedVector } from "../../domain/vector.ts";
import { type RowVisitor, RowNumbers, type VectorRows } from "./vector-rows.ts";

const blockRows = 1024;
const cacheLineBytes = 64;

/**
 * The vectors of `blockRows` rows. They arrive as rows, and become columns, the component of row r in dimension d at [d x blockRows + r], when the
 * block is full or first searched: to write a row into columns costs far more than its share of writing them together.
 */
interface Block {
  /** Undefined once there are columns. */
  rows: Int8Array[] | undefined;
  columns: Int8Array | undefined;
  /** One over the length of each row's bytes, 0 for the zero vector; known once there are columns. */
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

  constructor(dimensions: number) {
    this.#dimensions = dimensions;
  }

  get size(): number {
    return this.#numbers.size;
  }

  has(slot: number): boolean {
    return this.#numbers.has(slot);
  }

  set(slot: number, vector: EncodedVector): void {
    const row = this.#numbers.take(slot);
    if (row >= this.#blocks.length * blockRows) this.#blocks.push(emptyBlock());
    const block = this.#blocks[Math.floor(row / blockRows)]!;
    const place = row % blockRows;
    const bytes = toBytes(vector);
    if (block.columns === undefined) {
      block.rows![place] = bytes;
      if (place === blockRows - 1) this.#columnsOf(block);
      return;
    }
    for (let dimension = 0; dimension < bytes.length; dimension += 1) {
      block.columns[dimension * blockRows + place] = bytes[dimension]!;
    }
    block.inverseLengths[place] = inverseLength(bytes);
  }

  delete(slot: number): void {
    const moved = this.#numbers.remove(slot);
    if (moved === undefined) return;
    const from = this.#blocks[Math.floor(moved.from / blockRows)]!;
    const to = this.#blocks[Math.floor(moved.to / blockRows)]!;
    const [source, target] = [this.#columnsOf(from), this.#columnsOf(to)];
    const [sourcePlace, targetPlace] = [moved.from % blockRows, moved.to % blockRows];
    for (let column = 0; column < target.length; column += blockRows) {
      target[column + targetPlace] = source[column + sourcePlace]!;
    }
    to.inverseLengths[targetPlace] = from.inverseLengths[sourcePlace]!;
    if (this.#numbers.size <= (this.#blocks.length - 1) * blockRows) this.#blocks.pop();
  }

  *scan(query: EncodedVector, allowed: Uint8Array | undefined, visit: RowVisitor): Generator<void, void, void> {
    const { dimensions, weights } = nonZeros(query);
    const { slots, size } = this.#numbers;
    const sums = this.#sums;
    for (let first = 0; first < size; first += blockRows) {
      const block = this.#blocks[first / blockRows]!;
      const { inverseLengths } = block;
      const count = Math.min(blockRows, size - first);
      addColumns(sums, this.#columnsOf(block), dimensions, weights, count);
      for (let place = 0; place < count; place += 1) {
        const slot = slots[first + place]!;
        if (allowed === undefined || allowed[slot] === 1) visit(slot, sums[place]! * inverseLengths[place]!);
      }
      yield;
    }
  }

  #columnsOf(block: Block): Int8Array {
    if (block.columns === undefined) {
      block.columns = toColumns(block.rows!, this.#dimensions);
      block.rows!.forEach((row, place) => (block.inverseLengths[place] = inverseLength(row)));
      block.rows = undefined;
    }
    return block.columns;
  }
}

function emptyBlock(): Block {
  return { rows: [], columns: undefined, inverseLengths: new Float64Array(blockRows) };
}

function inverseLength(bytes: Int8Array): number {
  let squares = 0;
  for (let at = 0; at < bytes.length; at += 1) squares += bytes[at]! * bytes[at]!;
  return squares > 0 ? 1 / Math.sqrt(squares) : 0;
}

/** As many rows at a time as give each column a whole line of the cache to write. */
function toColumns(rows: readonly Int8Array[], dimensions: number): Int8Array {
  const columns = new Int8Array(dimensions * blockRows);
  // Not a power of two: rows that far apart would all compete for the same few lines of the cache.
  const stride = dimensions + cacheLineBytes;
  const some = new Int8Array(stride * cacheLineBytes);
  for (let first = 0; first < rows.length; first += cacheLineBytes) {
    const count = Math.min(cacheLineBytes, rows.length - first);
    for (let index = 0; index < count; index += 1) some.set(rows[first + index]!, index * stride);
    for (let dimension = 0; dimension < dimensions; dimension += 1) {
      const to = dimension * blockRows + first;
      for (let index = 0, from = dimension; index < count; index += 1, from += stride) {
        columns[to + index] = some[from]!;
      }
    }
  }
  return columns;
}

/**
 * Sets the first `count` sums to the weighted sum of the columns. Four columns at a time: a sum is read and written a quarter as often, which saves
 * a quarter of the time.
 */
function addColumns(
  sums: Float64Array,
  columns: Int8Array,
  dimensions: readonly number[],
  weights: readonly number[],
  count: number,
): void {
  sums.fill(0, 0, count);
  const whole = dimensions.length - (dimensions.length % 4);
  for (let index = 0; index < whole; index += 4) {
    const [a, b, c, d] = [weights[index]!, weights[index + 1]!, weights[index + 2]!, weights[index + 3]!];
    const columnA = dimensions[index]! * blockRows;
    const columnB = dimensions[index + 1]! * blockRows;
    const columnC = dimensions[index + 2]! * blockRows;
    const columnD = dimensions[index + 3]! * blockRows;
    for (let place = 0; place < count; place += 1) {
      sums[place] =
        sums[place]! +
        a * columns[columnA + place]! +
        b * columns[columnB + place]! +
        c * columns[columnC + place]! +
        d * columns[columnD + place]!;
    }
  }
  for (let index = whole; index < dimensions.length; index += 1) {
    const column = dimensions[index]! * blockRows;
    const weight = weights[index]!;
    for (let place = 0; place < count; place += 1) sums[place]! += weight * columns[column + place]!;
  }
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
