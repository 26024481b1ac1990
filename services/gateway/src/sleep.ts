import { setImmediate, setTimeout } from "node:timers/promises";

/** Resolves after the time, or early when the signal is aborted; it never rejects. */
export const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  setTimeout(ms, undefined, { signal }).catch(() => undefined);

/** Lets what already waits for the event loop go first. */
export const pause = (): Promise<void> => setImmediate();
