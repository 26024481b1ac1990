import { type Leg, type LegOutcome, runLeg } from "./leg.ts";

export interface RunLegsOptions {
  readonly signal: AbortSignal;
  readonly execution: "parallel" | "sequential";
  /** When all must have ended, on the monotonic clock. Infinity for no limit but their own. */
  readonly endAt: number;
  /** Told once of each query that was run, for metrics and logs. */
  readonly onLeg?: ((outcome: LegOutcome) => void) | undefined;
}

/**
 * Runs the legs of all sources, and gives their outcomes in that order. Legs whose queries are equal are asked as one, for the first of them.
 * Throws only when the call itself was aborted.
 */
export async function runLegs(legs: readonly Leg[], options: RunLegsOptions): Promise<readonly LegOutcome[]> {
  const { signal, execution, endAt, onLeg } = options;
  const askers = new Map<string, Leg>();
  for (const leg of legs) if (!askers.has(leg.queryKey)) askers.set(leg.queryKey, leg);
  const run = async (leg: Leg) => {
    const outcome = await runLeg(leg, { signal, limitMs: Math.min(leg.limitMs, endAt - performance.now()) });
    onLeg?.(outcome);
    return [leg.queryKey, outcome] as const;
  };
  const distinct = [...askers.values()];
  const outcomes = new Map(
    execution === "sequential" ? await inTurn(distinct, run) : await Promise.all(distinct.map(run)),
  );
  return legs.map(({ source, queryKey }) => ({ ...outcomes.get(queryKey)!, source }));
}

async function inTurn<T, U>(items: readonly T[], run: (item: T) => Promise<U>): Promise<U[]> {
  const results: U[] = [];
  for (const item of items) results.push(await run(item));
  return results;
}
