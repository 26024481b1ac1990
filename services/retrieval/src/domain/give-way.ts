/** Long work is done in slices of this length, so that other calls wait no longer. */
const sliceMs = 10;

/**
 * For loops of heavy computation: `await giveWay(signal)` between their steps lets the event loop go on once a slice of time is used up,
 * costs nearly nothing before, and throws the signal's reason once that is aborted.
 */
export function createGiveWay(): (signal: AbortSignal) => Promise<void> | undefined {
  let sliceEnd = performance.now() + sliceMs;
  return (signal) => {
    signal.throwIfAborted();
    if (performance.now() < sliceEnd) return undefined;
    return nextTurn().then(() => {
      sliceEnd = performance.now() + sliceMs;
      signal.throwIfAborted();
    });
  };
}

/**
 * Those that gave way, longest waiting first. One of them goes on in each turn of the event loop: if all did, everything else would wait
 * for a slice of each.
 */
const waiting: (() => void)[] = [];

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(resumeOne);
  });
}

function resumeOne(): void {
  waiting.shift()!();
  if (waiting.length > 0) setImmediate(resumeOne);
}
