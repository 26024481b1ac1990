/** A clock that stands still until it is told otherwise, for code that takes `{ now() }` in milliseconds. */
export interface ManualClock {
  now(): number;
  advance(ms: number): void;
}

export function createManualClock(startMs = 0): ManualClock {
  let at = startMs;
  return {
    now: () => at,
    advance: (ms) => {
      if (ms < 0) throw new RangeError("a clock never goes back");
      at += ms;
    },
  };
}
