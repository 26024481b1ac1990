import { retryDelayMsOf } from "@quartet/errors";
import { reasonFor } from "../stages.ts";

export interface WorkerOptions {
  /** One round over everything there is to do; how much was done. */
  readonly round: (signal: AbortSignal) => Promise<number>;
  /** How often it looks by itself, for what came in through other gateways. */
  readonly pollMs: number;
  /** The first and the longest wait after a failure; it doubles in between. */
  readonly minBackOffMs: number;
  readonly maxBackOffMs: number;
  /** Resolves after the time, or early when the signal is aborted; it never rejects. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** In [0, 1). */
  readonly random: () => number;
  readonly events: {
    failed(error: unknown, reason: string, retryInMs: number): void;
  };
}

export interface Worker {
  /** There is something to do. A wait after a failure is not cut short by it. */
  wake(): void;
  /** Begins; a second time it does nothing. */
  start(): void;
  /** Ends what is in flight and resolves when nothing is left. */
  stop(): Promise<void>;
}

/** Longer than this nobody is believed: keys are added and limits raised. A timer of more than 24 days would end at once, too. */
const LONGEST_ASKED_MS = 10 * 60_000;

/**
 * Repeats a round for ever, one at a time:
 *
 *     idle --woken, or polled--> round --did something--> round
 *                                round --found nothing--> idle
 *                                round --failed--> back-off (doubling, full jitter, at least what the error asks for, up to 10 minutes) --> round
 *     any --stop--> stopped
 */
export function createWorker(options: WorkerOptions): Worker {
  const { round, pollMs, sleep, events } = options;
  const stopped = new AbortController();
  let running: Promise<void> | undefined;
  let woken = false;
  let nap = new AbortController();

  const idle = async () => {
    if (!woken) {
      nap = new AbortController();
      await sleep(pollMs, AbortSignal.any([nap.signal, stopped.signal]));
    }
  };
  const run = async () => {
    let failures = 0;
    while (!stopped.signal.aborted) {
      woken = false;
      try {
        const count = await round(stopped.signal);
        failures = 0;
        if (count === 0) await idle();
      } catch (error) {
        if (stopped.signal.aborted) return;
        failures += 1;
        const askedMs = Math.min(LONGEST_ASKED_MS, retryDelayMsOf(error) ?? 0);
        const delayMs = backOffMs(failures, askedMs, options);
        events.failed(error, reasonFor(error), delayMs);
        await sleep(delayMs, stopped.signal);
      }
    }
  };

  return {
    wake() {
      woken = true;
      nap.abort();
    },
    start() {
      running ??= run();
    },
    async stop() {
      stopped.abort();
      await running;
    },
  };
}

/** Full jitter (AWS Architecture Blog, "Exponential Backoff and Jitter"), but never sooner than the first step or what was asked for. */
function backOffMs(
  failures: number,
  askedMs: number,
  { minBackOffMs, maxBackOffMs, random }: Pick<WorkerOptions, "minBackOffMs" | "maxBackOffMs" | "random">,
): number {
  const ceiling = Math.min(maxBackOffMs, minBackOffMs * 2 ** Math.min(failures, 30));
  return Math.max(askedMs, minBackOffMs + random() * (ceiling - minBackOffMs));
}
