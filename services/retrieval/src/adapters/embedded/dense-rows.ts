import { type WorkerPool, workerTask } from "@quartet/workers";
import type { EncodedVector } from "../../domain/vector.ts";
import { dotAt } from "./dense-scores.ts";
import type { DenseScan } from "./score-rows.worker.ts";
import {
  blockRows,
  type RowVisitor,
  RowNumbers,
  type ScannedRows,
  scannedRows,
  type VectorRows,
} from "./vector-rows.ts";

/** Components that are compared in some 5 ms. */
const heavyComponents = 6_000_000;

const scoreDense = workerTask<DenseScan, Float64Array>(import.meta.url, "./score-rows.worker", "scoreDense");

/** Vectors of a model: unit length, float32, row by row, scanned exactly. */
export class DenseRows implements VectorRows {
  readonly #dimensions: number;
  readonly #rows = new RowNumbers();
  /** Blocks, so that growing copies nothing; shared with the threads that scan them. */
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
    if (row >= this.#blocks.length * blockRows) this.#blocks.push(emptyBlock(this.#dimensions));
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

  get isHeavy(): boolean {
    return this.size * this.#dimensions > heavyComponents;
  }

  scanInThread(query: EncodedVector, workers: WorkerPool, signal: AbortSignal): Promise<ScannedRows> {
    const unit = unitLength(query);
    const scan = { blocks: [...this.#blocks], size: this.size, query: unit };
    return scannedRows(
      this.#rows,
      () => workers.run(scoreDense, scan, { signal }),
      (row) => dotAt(this.#rowAt(row), 0, unit),
    );
  }

  #rowAt(row: number): Float32Array {
    const start = (row % blockRows) * this.#dimensions;
    return this.#blocks[Math.floor(row / blockRows)]!.subarray(start, start + this.#dimensions);
  }
}

function emptyBlock(dimensions: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(blockRows * dimensions * Float32Array.BYTES_PER_ELEMENT));
}

/** The zero vector stays zero, whose cosine with anything counts as 0. The scale of int8 does not matter to a direction. */
function unitLength({ values }: EncodedVector): Float32Array {
  const unit = new Float32Array(values.length);
  let largest = 0;
  for (let index = 0; index < values.length; index += 1) {
    const size = values[index]! < 0 ? -values[index]! : values[index]!;
    if (size > largest) largest = size;
  }
  if (largest === 0) return unit;
  // Scaled first, so that neither tiny nor huge components are lost to under- or overflow.
  let sum = 0;
  for (let index = 0; index < values.length; index += 1) sum += (values[index]! / largest) ** 2;
  const length = largest * Math.sqrt(sum);
  for (let index = 0; index < values.length; index += 1) unit[index] = values[index]! / length;
  return unit;
}
