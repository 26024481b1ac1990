import { type Leg, type LegOutcome, runLeg } from "./leg.ts";

export interface RunLegsOptions {
  readonly signal: AbortSignal;
  readonly execution: "parallel" | "sequential";
  /** When all must have ended, on the monotonic clock. Infinity for no limit but their own. */
  readonly endAt: number;
  /** Told of each leg as it ends, for metrics and logs. */
  readonly onLeg?: ((outcome: LegOutcome) => void) | undefined;
}

/**
 * Runs the legs of all sources, and gives their outcomes in that order. Legs whose queries are equal are asked as one, for the first of them.
 * Throws only when the call itself was aborted.
 */
export async function runLegs(legs: readonly Leg[], options: RunLegsOptions): Promise<readonly LegOutcome[]> {
  const { signal, execution, endAt, onLeg } = options;
  const queries = Map.groupBy(legs, ({ queryKey }) => queryKey);
  const run = async ([queryKey, equal]: readonly [string, readonly Leg[]]) => {
    const [asker] = equal as [Leg];
    const found = await runLeg(asker, { signal, limitMs: Math.min(asker.limitMs, endAt - performance.now()) });
    for (const { source } of equal) onLeg?.({ ...found, source });
    return [queryKey, found] as const;
  };
  const found = new Map(
    execution === "sequential" ? await inTurn([...queries], run) : await Promise.all([...queries].map(run)),
  );
  return legs.map(({ source, queryKey }) => ({ ...found.get(queryKey)!, source }));
}

async function inTurn<T, U>(items: readonly T[], run: (item: T) => Promise<U>): Promise<U[]> {
  const results: U[] = [];
  for (const item of items) results.push(await run(item));
  return results;
}
