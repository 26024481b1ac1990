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
  const firstCame = limit.also({ limitMs: totalMs - Math.min(200, totalMs * 0.05), error: () => outOf("LLM_TTFT") });
  return { begin: firstCame, wait: (value) => limit.wait(value), stop: limit.close };
}

const outOf = (failure: AnswererFailure) => new AnswererError({ failure });
