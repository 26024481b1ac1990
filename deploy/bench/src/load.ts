/** What one load showed. */
export interface LoadResult {
  readonly queriesPerSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** CPU time of the server's processes for each request, in milliseconds. */
  readonly cpuMsPerRequest: number;
  readonly count: number;
  readonly errors: number;
}

export interface LoadOptions {
  /** One request; rejects when it failed. */
  readonly send: (index: number) => Promise<void>;
  /** How many are in flight at any time. */
  readonly inFlight: number;
  /** How long to measure, in milliseconds, after a quarter of that as a warm-up. */
  readonly durationMs: number;
  /** CPU time that the server has used so far, in milliseconds. */
  readonly cpuMs: () => number;
}

/** Keeps a number of requests in flight for a time: a closed loop, so that a slow server is not sent more than it takes. */
export async function load({ send, inFlight, durationMs, cpuMs }: LoadOptions): Promise<LoadResult> {
  const warmedUp = await runFor(durationMs / 4, { send, inFlight, first: 0 });
  const cpuBefore = cpuMs();
  const { times, errors, elapsedMs } = await runFor(durationMs, { send, inFlight, first: warmedUp.next });
  const cpu = cpuMs() - cpuBefore;
  times.sort((a, b) => a - b);
  return {
    queriesPerSecond: (times.length * 1000) / elapsedMs,
    p50Ms: quantile(times, 0.5),
    p95Ms: quantile(times, 0.95),
    cpuMsPerRequest: cpu / times.length,
    count: times.length,
    errors,
  };
}

/** No request begins after the time is up; those in flight are waited for, and so is the clock that rates are counted by. */
async function runFor(
  durationMs: number,
  { send, inFlight, first }: Pick<LoadOptions, "send" | "inFlight"> & { readonly first: number },
) {
  const times: number[] = [];
  let next = first;
  let errors = 0;
  const start = performance.now();
  const worker = async () => {
    for (let began = performance.now(); began < start + durationMs;) {
      const failed = await send(next++).then(
        () => false,
        () => true,
      );
      const ended = performance.now();
      if (failed) errors += 1;
      else times.push(ended - began);
      began = ended;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return { times, errors, next, elapsedMs: performance.now() - start };
}

/** The nearest-rank quantile of sorted numbers; NaN of none. */
export const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;

/** The middle one, or the mean of the two in the middle; NaN of none. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (
    (quantile(sorted, 0.5) + (Number.isInteger(middle) ? (sorted[middle] ?? Number.NaN) : quantile(sorted, 0.5))) / 2
  );
}
