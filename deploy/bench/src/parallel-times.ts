import { median, quantile } from "./load.ts";

/** The same work done at once and one after the other, round by round. */
export interface ParallelTimes {
  readonly parallelMs: number;
  readonly parallelP95Ms: number;
  readonly sequentialMs: number;
  /** Parallel over sequential, round by round: the median. */
  readonly ratio: number;
}

export type ParallelRound = Pick<ParallelTimes, "parallelMs" | "sequentialMs">;

/** Medians over the rounds. */
export function summarise(rounds: readonly ParallelRound[]): ParallelTimes {
  const parallel = rounds.map(({ parallelMs }) => parallelMs).sort((left, right) => left - right);
  return {
    parallelMs: median(parallel),
    parallelP95Ms: quantile(parallel, 0.95),
    sequentialMs: median(rounds.map(({ sequentialMs }) => sequentialMs)),
    ratio: median(rounds.map(({ parallelMs, sequentialMs }) => parallelMs / sequentialMs)),
  };
}
