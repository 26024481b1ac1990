import type { Pooling } from "./model-settings.ts";

/** A model's output for a batch: `rows` texts of `columns` tokens, each a vector of `dimensions`. */
export interface TokenVectors {
  readonly data: Float32Array;
  readonly rows: number;
  readonly columns: number;
  readonly dimensions: number;
}

/**
 * One vector for each text, from those of its own tokens, the first `lengths[row]`; the rest is padding. As sentence-transformers' Pooling.
 * Not scaled.
 */
export function poolTokens(
  { data, rows, columns, dimensions }: TokenVectors,
  lengths: readonly number[],
  pooling: Pooling,
): Float32Array[] {
  return Array.from({ length: rows }, (_, row) => {
    const tokens = lengths[row]!;
    const begin = row * columns * dimensions;
    const at = (token: number) => data.subarray(begin + token * dimensions, begin + (token + 1) * dimensions);
    switch (pooling) {
      case "cls":
        return at(0).slice();
      case "lasttoken":
        return at(tokens - 1).slice();
      case "max":
        return merge(tokens, dimensions, -Infinity, at, Math.max);
      case "mean":
        return scaled(merge(tokens, dimensions, 0, at, add), 1 / tokens);
      case "mean_sqrt_len":
        return scaled(merge(tokens, dimensions, 0, at, add), 1 / Math.sqrt(tokens));
    }
  });
}

const add = (a: number, b: number) => a + b;

function merge(
  tokens: number,
  dimensions: number,
  initial: number,
  at: (token: number) => Float32Array,
  combine: (a: number, b: number) => number,
): Float32Array {
  const merged = new Float32Array(dimensions).fill(initial);
  for (let token = 0; token < tokens; token += 1) {
    const vector = at(token);
    for (let index = 0; index < dimensions; index += 1) merged[index] = combine(merged[index]!, vector[index]!);
  }
  return merged;
}

const scaled = (vector: Float32Array, factor: number) => vector.map((component) => component * factor);
