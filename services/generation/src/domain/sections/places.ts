/** A place at the provider, held by one section at a time. What is told after its end, or for a second time, does nothing. */
export interface Place {
  /** Whether no other section holds one, so that there is none whose end could be waited for. */
  readonly isOnly: boolean;
  /** The provider writes: its keys can be used. */
  begun(): void;
  /**
   * No key was free: gives the place back, and no more sections than those that hold one now get one at once.
   *
   * @param wasAsked Whether the provider itself refused, so that it is the number at once that is too high; otherwise all keys rested before.
   */
  refused(wasAsked: boolean): void;
  /** The section is over, whole or failed: the one that waits longest gets the place. */
  end(): void;
}

export interface Places {
  /** Waits for a place. Rejects with the signal's reason. */
  take(signal: AbortSignal): Promise<Place>;
  /** Whether a section had to wait for the end of another, or did so in vain: not all were written at once. */
  readonly wereShort: boolean;
}

/**
 * How many sections of one answer are written at once: all, until a key is refused to one; then as many as were not refused, one at least.
 *
 *     take --> holding --end()--> over: the one that waits longest holds
 *                 |
 *                 refused() --> waits for another's end --> holding
 *
 * Where all keys rested before, and the provider itself refused nothing, there is no sign that it takes fewer at once: then those that wait
 * go on as soon as one has begun.
 *
 * A section that is refused waits for another to begin or to end, or for being the only one, which is not refused but fails: so it tries at
 * most twice as often as there are others, and once more.
 */
export function createPlaces(count: number): Places {
  const waiting: (() => void)[] = [];
  let most = count;
  let held = 0;
  let wasRefused = false;
  let refusedByProvider = false;
  let someAreOver = false;
  let wereShort = false;

  const admit = (): void => {
    while (waiting.length > 0 && held < most) waiting.shift()!();
  };

  const hold = (isOnly: boolean): Place => {
    held += 1;
    let over = false;
    let hasBegun = false;
    const giveBack = (before?: () => void): void => {
      if (over) return;
      over = true;
      held -= 1;
      before?.();
      admit();
    };
    return {
      isOnly,
      begun() {
        if (over || hasBegun) return;
        hasBegun = true;
        if (refusedByProvider) return;
        // The keys only rested, and now one of them works: nothing says that it takes one section at a time.
        most = count;
        admit();
      },
      refused: (wasAsked) =>
        giveBack(() => {
          wasRefused = true;
          refusedByProvider ||= wasAsked;
          most = Math.max(1, held);
        }),
      end: () => giveBack(() => (someAreOver = true)),
    };
  };

  return {
    async take(signal) {
      signal.throwIfAborted();
      if (!wasRefused) return hold(count === 1);
      return new Promise((resolve, reject) => {
        const granted = () => {
          signal.removeEventListener("abort", onAbort);
          wereShort ||= someAreOver;
          resolve(hold(held === 0));
        };
        const onAbort = () => {
          waiting.splice(waiting.indexOf(granted), 1);
          wereShort = true;
          reject(signal.reason as Error);
        };
        signal.addEventListener("abort", onAbort, { once: true });
        waiting.push(granted);
        admit();
      });
    },
    get wereShort() {
      return wereShort;
    },
  };
}
