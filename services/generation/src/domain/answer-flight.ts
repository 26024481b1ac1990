import type { AnswerEvent } from "./answerer.ts";

/** One answer that is being written, for all who asked for the same. */
export interface AnswerFlight {
  /**
   * The event at `index`, or undefined after the last. Events that were read are kept for whoever comes later; a new one is read when somebody wants
   * it, so that the one who reads fastest sets the pace. What the answer fails with is thrown to everybody.
   */
  read(index: number): Promise<AnswerEvent | undefined>;
  /** True for the first who asks: what the answer cost is told once. */
  takeBill(): boolean;
  /** One more waits for it. Gives what says that one has left; with the last, the answer is aborted. */
  join(): (reason: unknown) => void;
}

export interface AnswerFlightOptions {
  /** Begins the answer; the signal is aborted when all who waited for it have left. */
  readonly open: (signal: AbortSignal) => AsyncIterable<AnswerEvent>;
  /** The answer has ended, in whatever way, or nobody waits for it any more: whoever comes from now on asks anew. */
  readonly onOver: () => void;
}

/** What is kept is bounded by the answer, which has a longest length. */
export function startAnswerFlight({ open, onOver }: AnswerFlightOptions): AnswerFlight {
  const controller = new AbortController();
  const events: AnswerEvent[] = [];
  let source: AsyncIterator<AnswerEvent> | undefined;
  let reading: Promise<void> | undefined;
  let outcome: { readonly error?: unknown } | undefined;
  let waiting = 0;
  let billed = false;

  const end = (how: { readonly error?: unknown }) => {
    outcome ??= how;
    onOver();
  };

  const readNext = async (): Promise<void> => {
    try {
      source ??= open(controller.signal)[Symbol.asyncIterator]();
      const { done, value } = await source.next();
      if (done === true) end({});
      else events.push(value);
    } catch (error) {
      end({ error });
    } finally {
      reading = undefined;
    }
  };

  return {
    async read(index) {
      while (index >= events.length && outcome === undefined) {
        reading ??= readNext();
        await reading;
      }
      if (index < events.length) return events[index];
      if (outcome !== undefined && "error" in outcome) throw outcome.error;
      return undefined;
    },
    takeBill() {
      const first = !billed;
      billed = true;
      return first;
    },
    join() {
      waiting += 1;
      let here = true;
      return (reason) => {
        if (!here) return;
        here = false;
        waiting -= 1;
        if (waiting > 0 || outcome !== undefined) return;
        end({ error: reason });
        controller.abort(reason);
        // Not waited for: a read that is pending ends by the signal.
        void source?.return?.()?.catch(() => undefined);
      };
    },
  };
}
