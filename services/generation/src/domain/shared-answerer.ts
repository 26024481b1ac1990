import { createHash } from "node:crypto";
import { type AnswerFlight, startAnswerFlight } from "./answer-flight.ts";
import type { Answerer, AnswerEvent, AnswerOptions, Passage, Usage } from "./answerer.ts";
import { AnswererError } from "./answerer-error.ts";
import { startReaderClocks } from "./reader-clocks.ts";

export interface SharedAnswererOptions {
  /** Writes the answers. */
  readonly answerer: Answerer;
  /** Told of each request that joined an answer that was being written already. Default: nobody is. */
  readonly onShared?: () => void;
}

/**
 * A request joins an answer only if that has at least this share of the request's own time left: whoever began it had the deadline that ends it.
 * The default deadline is the same for all, so that equal questions meet within its first fifth.
 */
const LEAST_TIME_SHARE = 0.8;

/** What a request says that joined another's answer: the provider was asked, and the other one says what that cost. */
const costOfOthers: Usage = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, calls: 0, estimated: false };

interface Shared {
  readonly flight: AnswerFlight;
  readonly endsAtMs: number;
}

/**
 * Equal requests of one tenant at the same time are one call to the model: whoever comes later reads what has come so far, then goes on with the
 * others. Each keeps its own deadline; one who leaves takes nothing from the others, and with the last the call is aborted. A failure is everybody's.
 * The usage goes to the one who hears of the end first; the others tell a usage without calls, so that over all answers it adds up to the bill.
 * What has ended is not kept: that would be a cache.
 */
export function createSharedAnswerer({ answerer, onShared }: SharedAnswererOptions): Answerer {
  const inFlight = new Map<string, Shared>();

  const find = (key: string, timeoutMs: number): AnswerFlight | undefined => {
    const known = inFlight.get(key);
    const leftMs = (known?.endsAtMs ?? 0) - performance.now();
    return leftMs >= LEAST_TIME_SHARE * timeoutMs ? known?.flight : undefined;
  };

  const start = (key: string, timeoutMs: number, open: (signal: AbortSignal) => AsyncIterable<AnswerEvent>) => {
    const flight = startAnswerFlight({
      open,
      onOver: () => {
        if (inFlight.get(key)?.flight === flight) inFlight.delete(key);
      },
    });
    // One with less time than this one's is left to those who read it.
    inFlight.set(key, { flight, endsAtMs: performance.now() + timeoutMs });
    return flight;
  };

  return {
    async *answer(question, passages, options): AsyncGenerator<AnswerEvent> {
      const { tenant, timeoutMs = Infinity } = options;
      if (tenant === undefined) return yield* answerer.answer(question, passages, options);
      const key = keyOf(tenant, question, passages, options);
      const known = find(key, timeoutMs);
      if (known !== undefined) onShared?.();
      const open = (signal: AbortSignal) => answerer.answer(question, passages, { ...options, signal });
      yield* follow(known ?? start(key, timeoutMs, open), options);
    },
  };
}

/** The answer from its beginning, as one of its readers sees it. */
async function* follow(flight: AnswerFlight, { signal, timeoutMs }: AnswerOptions): AsyncGenerator<AnswerEvent> {
  const leave = flight.join();
  const clocks = startReaderClocks(signal, timeoutMs);
  try {
    for (let index = 0; ; index += 1) {
      const event = await clocks.wait(flight.read(index));
      if (event === undefined) return;
      clocks.begin();
      yield event.kind === "end" ? withBill(event, flight) : event;
    }
  } catch (error) {
    throw error instanceof AnswererError ? errorWithBill(error, flight) : error;
  } finally {
    clocks.stop();
    leave(signal.aborted ? signal.reason : new Error("nobody waits for this answer any more"));
  }
}

type End = Extract<AnswerEvent, { kind: "end" }>;

function withBill(end: End, flight: AnswerFlight): End {
  return end.usage === undefined || flight.takeBill() ? end : { ...end, usage: costOfOthers };
}

function errorWithBill(error: AnswererError, flight: AnswerFlight): AnswererError {
  const { failure, message, usage, retryDelayMs, cause } = error;
  if (usage === undefined || flight.takeBill()) return error;
  return new AnswererError({ failure, message, usage: costOfOthers, retryDelayMs, cause });
}

/** All that an answer depends on. A tenant's hash is its own: two tenants never meet in one. */
function keyOf(tenant: string, question: string, passages: readonly Passage[], options: AnswerOptions): string {
  const { signal: _signal, timeoutMs: _timeoutMs, onUsage: _onUsage, ...others } = options;
  const all = JSON.stringify([tenant, question, passages, Object.entries(others).sort()], (_key, value: unknown) =>
    typeof value === "bigint" ? `${value}n` : value,
  );
  return createHash("sha256").update(all).digest("base64");
}
