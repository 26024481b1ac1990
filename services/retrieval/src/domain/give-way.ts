import { setImmediate } from "node:timers/promises";

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
    return setImmediate().then(() => {
      sliceEnd = performance.now() + sliceMs;
      signal.throwIfAborted();
    });
  };
}
