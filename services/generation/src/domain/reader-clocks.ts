import { AnswererError, type AnswererFailure } from "./answerer-error.ts";

export interface ReaderClocks {
  /** The first event is here. */
  begin(): void;
  /** The value, unless the reader leaves or its time is up before. */
  wait<T>(value: Promise<T>): Promise<T>;
  stop(): void;
}

/**
 * The time of one of several readers of an answer. Both limits come a little before the reader's deadline, so that what is told at the end, or a
 * fallback, still arrives in time; and a little after those of the answer itself, which knows what was spent.
 *
 *     waiting for the first event --begin()--> reading --stop()--> stopped
 *        | LLM_TTFT                              | OUT_OF_TIME
 */
export function startReaderClocks(signal: AbortSignal, timeoutMs = Infinity): ReaderClocks {
  const over = Promise.withResolvers<never>();
  over.promise.catch(() => undefined);
  const expire = (failure: AnswererFailure) => over.reject(new AnswererError({ failure }));
  const totalMs = timeoutMs - Math.min(50, timeoutMs * 0.01);
  const timers = [
    startTimer(() => expire("OUT_OF_TIME"), totalMs),
    startTimer(() => expire("LLM_TTFT"), totalMs - Math.min(200, totalMs * 0.05)),
  ];
  const onAbort = () => over.reject(signal.reason as Error);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  return {
    begin: () => clearTimeout(timers[1]),
    wait: (value) => Promise.race([value, over.promise]),
    stop() {
      for (const timer of timers) clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    },
  };
}

/** The most that a timer takes; whoever waits longer waits for the answer's own limit. */
const MAX_TIMER_MS = 0x7fff_ffff;

function startTimer(run: () => void, ms: number): ReturnType<typeof setTimeout> | undefined {
  return ms > MAX_TIMER_MS ? undefined : setTimeout(run, ms);
}
