const windowMs = 5 * 60_000;
const maxSamples = 1_024;

/** How long callers waited, over the last 5 minutes and at most 1,024 of them. */
export function createWaitTimes(now: () => number = () => performance.now()) {
  const samples: { readonly at: number; readonly waitMs: number }[] = [];
  return {
    add(waitMs: number): void {
      samples.push({ at: now(), waitMs });
      if (samples.length > maxSamples) samples.shift();
    },
    /** The 95th percentile; 0 without samples. */
    p95(): number {
      const since = now() - windowMs;
      const waits = samples.filter(({ at }) => at >= since).map(({ waitMs }) => waitMs);
      waits.sort((left, right) => left - right);
      return waits[Math.ceil(waits.length * 0.95) - 1] ?? 0;
    },
  };
}
