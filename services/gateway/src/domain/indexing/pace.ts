import { reasonFor } from "../stages.ts";

export interface PaceOptions {
  /** The most texts of one batch, in which a fast embedder ends. */
  readonly max: number;
  /** A batch that took less is followed by larger ones, one that took more than four times as long by smaller ones. */
  readonly shortMs: number;
  readonly now: () => number;
}

export interface Pace {
  /** How many texts the next batch may have. */
  size(): number;
  /** Runs a call with so many texts, and learns from the time it takes. */
  run<T>(count: number, call: () => Promise<T>): Promise<T>;
}

const FIRST_SIZE = 8;

/**
 * How many texts an embedder is given at once. A model on a small machine takes a second for each, a hosted one answers sixty in that time: a
 * batch that does not fit into its time would be asked again and again and never be done.
 */
export function createPace({ max, shortMs, now }: PaceOptions): Pace {
  let size = Math.min(FIRST_SIZE, max);
  return {
    size: () => size,
    async run(count, call) {
      const started = now();
      try {
        const result = await call();
        const tookMs = now() - started;
        if (tookMs > 4 * shortMs) size = Math.max(1, Math.min(size, Math.floor(count / 2)));
        else if (tookMs < shortMs && count >= size) size = Math.min(max, size * 2);
        return result;
      } catch (error) {
        if (reasonFor(error) === "OUT_OF_TIME") size = Math.max(1, Math.min(size, Math.floor(count / 2)));
        throw error;
      }
    },
  };
}
