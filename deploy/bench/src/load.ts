/** What one load showed. Times in milliseconds. */
export interface LoadResult {
  readonly queriesPerSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
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
}

/** Keeps a number of requests in flight for a time: a closed loop, so that a slow server is not sent more than it takes. */
export async function load({ send, inFlight, durationMs }: LoadOptions): Promise<LoadResult> {
  const times: number[] = [];
  let next = 0;
  let errors = 0;
  let measuring = false;
  const start = performance.now() + durationMs / 4;
  const end = start + durationMs;
  const worker = async () => {
    for (let now = performance.now(); now < end;) {
      measuring ||= now >= start;
      const counted = measuring;
      const failed = await send(next++).then(
        () => false,
        () => true,
      );
      const after = performance.now();
      if (counted && failed) errors++;
      else if (counted && after <= end) times.push(after - now);
      now = after;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  times.sort((a, b) => a - b);
  return {
    queriesPerSecond: times.length / (durationMs / 1000),
    p50Ms: quantile(times, 0.5),
    p95Ms: quantile(times, 0.95),
    count: times.length,
    errors,
  };
}

/** The nearest-rank quantile of sorted numbers; NaN of none. */
export const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
