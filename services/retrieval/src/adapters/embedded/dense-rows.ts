import type { EncodedVector } from "../../domain/vector.ts";
import { type RowVisitor, RowNumbers, type VectorRows } from "./vector-rows.ts";

const blockRows = 1024;

/** Vectors of a model: unit length, float32, row by row, scanned exactly. */
export class DenseRows implements VectorRows {
  readonly #dimensions: number;
  readonly #rows = new RowNumbers();
  /** Blocks, so that growing copies nothing. */
  readonly #blocks: Float32Array[] = [];

  constructor(dimensions: number) {
    this.#dimensions = dimensions;
  }

  get size(): number {
    return this.#rows.size;
  }

  has(slot: number): boolean {
    return this.#rows.has(slot);
  }

  set(slot: number, vector: EncodedVector): void {
    const row = this.#rows.take(slot);
    if (row >= this.#blocks.length * blockRows) this.#blocks.push(new Float32Array(blockRows * this.#dimensions));
    this.#rowAt(row).set(unitLength(vector));
  }

  delete(slot: number): void {
    const moved = this.#rows.remove(slot);
    if (moved === undefined) return;
    if (moved.from !== moved.to) this.#rowAt(moved.to).set(this.#rowAt(moved.from));
    if (this.#rows.size <= (this.#blocks.length - 1) * blockRows) this.#blocks.pop();
  }

  *scan(query: EncodedVector, allowed: Uint8Array | undefined, visit: RowVisitor): Generator<void, void, void> {
    const unit = unitLength(query);
    const dimensions = this.#dimensions;
    const { slots, size } = this.#rows;
    for (let first = 0; first < size; first += blockRows) {
      const block = this.#blocks[first / blockRows]!;
      const count = Math.min(blockRows, size - first);
      for (let place = 0; place < count; place += 1) {
        const slot = slots[first + place]!;
        if (allowed === undefined || allowed[slot] === 1) visit(slot, dotAt(block, place * dimensions, unit));
      }
      yield;
    }
  }

  #rowAt(row: number): Float32Array {
    const start = (row % blockRows) * this.#dimensions;
    return this.#blocks[Math.floor(row / blockRows)]!.subarray(start, start + this.#dimensions);
  }
}

/** Four sums at once, which the processor can add in parallel; in a fixed order, so that equal rows score equally. */
function dotAt(block: Float32Array, start: number, query: Float32Array): number {
  const length = query.length;
  const even = length - (length % 4);
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let index = 0; index < even; index += 4) {
    const at = start + index;
    a += block[at]! * query[index]!;
    b += block[at + 1]! * query[index + 1]!;
    c += block[at + 2]! * query[index + 2]!;
    d += block[at + 3]! * query[index + 3]!;
  }
  for (let index = even; index < length; index += 1) a += block[start + index]! * query[index]!;
  return a + b + (c + d);
}

/** The zero vector stays zero, whose cosine with anything counts as 0. The scale of int8 does not matter to a direction. */
function unitLength({ values }: EncodedVector): Float32Array {
  const unit = new Float32Array(values.length);
  let largest = 0;
  for (let index = 0; index < values.length; index += 1) largest = Math.max(largest, Math.abs(values[index]!));
  if (largest === 0) return unit;
  // Scaled first, so that neither tiny nor huge components are lost to under- or overflow.
  let sum = 0;
  for (let index = 0; index < values.length; index += 1) sum += (values[index]! / largest) ** 2;
  const length = largest * Math.sqrt(sum);
  for (let index = 0; index < values.length; index += 1) unit[index] = values[index]! / length;
  return unit;
}
