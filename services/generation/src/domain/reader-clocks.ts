import { openLimit } from "@quartet/resilience";
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
  const totalMs = timeoutMs - Math.min(50, timeoutMs * 0.01);
  const limit = openLimit(signal, { limitMs: totalMs, error: () => outOf("OUT_OF_TIME") });
  const firstMs = totalMs - Math.min(200, totalMs * 0.05);
  // Whoever waits longer waits for the answer's own limit.
  const first = firstMs > MAX_TIMER_MS ? undefined : setTimeout(() => limit.abort(outOf("LLM_TTFT")), firstMs);
  return {
    begin: () => clearTimeout(first),
    wait: (value) => limit.wait(value),
    stop() {
      clearTimeout(first);
      limit.close();
    },
  };
}

/** The most that a timer takes. */
const MAX_TIMER_MS = 0x7fff_ffff;

const outOf = (failure: AnswererFailure) => new AnswererError({ failure });
