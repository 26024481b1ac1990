/**
 * How often streams go on, over all streams of a process: no machine has time for thousands of tokens a second one by one. What comes in between goes
 * on together, so that with many streams text comes in fewer and longer pieces rather than later and later.
 */
export interface Pace {
  begin(): PacedStream;
}

/** One stream; it counts from its first piece on. */
export interface PacedStream {
  /** How long from now until the next piece may go on, in milliseconds; undefined for the first, which waits for nothing. */
  restMs(): number | undefined;
  /** A piece goes on now. */
  went(): void;
  end(): void;
}

export interface PaceOptions {
  /** The longest that a stream rests, however many there are. */
  readonly maxRestMs: number;
  /** Pieces of all streams together. Default: 2,000 a second. */
  readonly perSecond?: number;
  /** In milliseconds. Default: the monotonic clock. */
  readonly now?: () => number;
}

/** Every stream gets the same share: of 2,000 a second, four go on every 2 ms, and fifty every 25. */
export function createPace({ maxRestMs, perSecond = 2_000, now = () => performance.now() }: PaceOptions): Pace {
  let streams = 0;
  return {
    begin() {
      let wentAt: number | undefined;
      return {
        restMs() {
          if (wentAt === undefined) return undefined;
          return Math.max(0, wentAt + Math.min(maxRestMs, (1_000 * streams) / perSecond) - now());
        },
        went() {
          if (wentAt === undefined) streams += 1;
          wentAt = now();
        },
        end() {
          if (wentAt !== undefined) streams -= 1;
          wentAt = undefined;
        },
      };
    },
  };
}
