/** Starts of a process that may be made in a minute: one that falls over each time is left alone for the rest of it. */
const MAX_STARTS = 4;
const WINDOW_MS = 60_000;

/** Counts starts, and says how long to wait for the next. */
export class Restarts {
  readonly #now: () => number;
  #starts: number[] = [];

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** 0 when it may be started now. */
  get waitMs(): number {
    const now = this.#now();
    this.#starts = this.#starts.filter((at) => now - at < WINDOW_MS);
    return this.#starts.length < MAX_STARTS ? 0 : WINDOW_MS - (now - this.#starts[0]!);
  }

  count(): void {
    this.#starts.push(this.#now());
  }
}
