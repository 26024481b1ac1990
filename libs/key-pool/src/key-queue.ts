import type { Call } from "./entry.ts";
import type { Blocked, KeyRing } from "./key-ring.ts";
import { createLine } from "./line.ts";
import { NoKeyAvailableError } from "./no-key-available-error.ts";
import { TRIAL_MS } from "./trial.ts";

/** How long a call may wait for a key. */
export interface Patience {
  /** To the deadline. */
  readonly leftMs: number;
  /** For keys that rest or are taken, in all. */
  readonly restWaitMs: number;
}

/** Where calls wait while no key can be used. */
export interface KeyQueue {
  readonly isEmpty: boolean;
  /**
   * Waits in line until there is a key, and takes it. No wait is begun that would not end in time.
   *
   * @throws {NoKeyAvailableError} when it would not, or when no key returns; and the signal's reason.
   */
  take(patience: Patience, signal: AbortSignal | undefined): Promise<Call>;
  /** For a call that may not use every key: waits aside until what blocks the others may be over. @throws as `take` does */
  waitAside(blocked: Blocked, patience: Patience, signal: AbortSignal | undefined): Promise<void>;
  /** Something changed: the first in line looks again, and those aside. */
  wake(): void;
}

/** After a rest the callers of all replicas come back together; this spreads them. */
const REST_SPREAD_MS = 250;
/** Each waits for seconds at most; more than so many are refused at once. */
const MAX_WAITING = 10_000;

export function createKeyQueue(ring: KeyRing, clock: { now(): number }, random: () => number): KeyQueue {
  const line = createLine();

  /** How long to wait for what blocks all keys now. @throws where that is too long */
  const waitMsFor = ({ error, isTaken }: Blocked, { leftMs, restWaitMs }: Patience): number => {
    if (isTaken && restWaitMs > 0 && leftMs > 0) return Math.min(TRIAL_MS, restWaitMs, leftMs);
    const { retryAfterMs } = error;
    if (isTaken || retryAfterMs === undefined || retryAfterMs > restWaitMs) throw error;
    const waitMs = retryAfterMs + random() * REST_SPREAD_MS;
    if (waitMs >= leftMs) throw error;
    return waitMs;
  };

  return {
    get isEmpty() {
      return line.length === 0;
    },
    wake: line.wake,
    waitAside: async (blocked, patience, signal) => {
      const waitMs = waitMsFor(blocked, patience);
      if (line.length >= MAX_WAITING) throw blocked.error;
      await line.waitAside(waitMs, signal);
    },
    take: async (patience, signal) => {
      const startedAt = clock.now();
      const blocked = ring.blocked(startedAt);
      if (blocked !== undefined) waitMsFor(blocked, patience);
      const { leftMs, restWaitMs } = patience;
      if (line.length >= MAX_WAITING || !(await line.join(Math.min(leftMs, restWaitMs), signal))) {
        throw ring.blocked(clock.now())?.error ?? new NoKeyAvailableError("resting", TRIAL_MS);
      }
      try {
        for (;;) {
          signal?.throwIfAborted();
          const now = clock.now();
          const entry = ring.next(now, undefined);
          if (entry !== undefined) return ring.use(entry, now);
          const waitedMs = now - startedAt;
          const left = { leftMs: leftMs - waitedMs, restWaitMs: restWaitMs - waitedMs };
          await line.wait(waitMsFor(ring.blocked(now)!, left), signal);
        }
      } finally {
        line.leave();
      }
    },
  };
}
