import { moved } from "@quartet/workers";
import { dotAt } from "./dense-scores.ts";
import { addColumns } from "./hashed-scores.ts";
import { blockRows } from "./vector-rows.ts";

/** Rows of `query.length` components, in blocks that other threads may change meanwhile: what was changed is scored again there. */
export interface DenseScan {
  readonly blocks: readonly Float32Array[];
  readonly size: number;
  /** Unit length. */
  readonly query: Float32Array;
}

/** The cosine of each row and the query. */
export function scoreDense({ blocks, size, query }: DenseScan): Float64Array {
  const scores = new Float64Array(size);
  for (let row = 0; row < size; row += 1) {
    scores[row] = dotAt(blocks[Math.floor(row / blockRows)]!, (row % blockRows) * query.length, query);
  }
  return moved(scores, [scores.buffer]);
}

/** Rows of bytes by column, in blocks as those of DenseScan. */
export interface HashedScan {
  readonly blocks: readonly { readonly columns: Int8Array; readonly inverseLengths: Float64Array }[];
  readonly size: number;
  /** The query's components that are not 0, at unit length. */
  readonly dimensions: readonly number[];
  readonly weights: readonly number[];
}

/** The cosine of each row and the query. */
export function scoreHashed({ blocks, size, dimensions, weights }: HashedScan): Float64Array {
  const scores = new Float64Array(size);
  for (let first = 0; first < size; first += blockRows) {
    const { columns, inverseLengths } = blocks[first / blockRows]!;
    const count = Math.min(blockRows, size - first);
    const sums = scores.subarray(first, first + count);
    addColumns(sums, columns, dimensions, weights, count);
    for (let place = 0; place < count; place += 1) sums[place]! *= inverseLengths[place]!;
  }
  return moved(scores, [scores.buffer]);
}
