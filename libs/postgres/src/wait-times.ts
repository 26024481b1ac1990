/** Samples kept at most; the oldest is dropped for a new one. */
const maxSamples = 1_024;
const windowMs = 5 * 60_000;

/** How long callers waited, over the last five minutes. */
export class WaitTimes {
  readonly #samples: { readonly at: number; readonly waitMs: number }[] = [];
  #next = 0;

  add(waitMs: number): void {
    this.#samples[this.#next] = { at: performance.now(), waitMs };
    this.#next = (this.#next + 1) % maxSamples;
  }

  /** The 95th percentile, in milliseconds; 0 where nobody came. */
  p95(): number {
    const since = performance.now() - windowMs;
    const recent = this.#samples.filter(({ at }) => at >= since).map(({ waitMs }) => waitMs);
    if (recent.length === 0) return 0;
    return recent.sort((left, right) => left - right)[Math.ceil(recent.length * 0.95) - 1]!;
  }
}
