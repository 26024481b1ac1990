import type { Limit } from "@quartet/resilience";
import type { Call } from "./entry.ts";

/** A call that got through: its value, and what is still held until its end. */
export interface Landed<T> {
  readonly value: T;
  readonly call: Call;
  readonly scope: Limit;
}

/** A stream that has begun. */
export interface BegunStream<T> {
  readonly messages: AsyncIterator<T>;
  /** Until it was read. */
  first: IteratorResult<T> | undefined;
}

export interface LandedStreamOptions<T> {
  /** Makes the call: told once, when the first message is asked for. */
  readonly land: () => Promise<Landed<BegunStream<T>>>;
  /** The stream broke, by itself. */
  readonly onBroken: (call: Call, error: unknown) => void;
}

const OVER = { done: true, value: undefined } as const;

/**
 * What a call sends from its first message on. The call is over with the last one, when it breaks, or when the reader leaves; one who leaves
 * while a message is awaited, does so when that has come. By hand, not as a generator, which costs each token more turns of the microtask queue.
 */
export function streamLanded<T>({ land, onBroken }: LandedStreamOptions<T>): AsyncGenerator<T, void, undefined> {
  let landing: Promise<Landed<BegunStream<T>>> | undefined;
  let landed: Landed<BegunStream<T>> | undefined;
  let isOver = false;
  let reading: Promise<unknown> = Promise.resolve();

  const end = () => {
    isOver = true;
    landed?.scope.close();
    // Not waited for: a source that is parked ends by its signal, which has just been aborted.
    Promise.resolve(landed?.value.messages.return?.()).catch(() => {});
  };

  const read = async (): Promise<IteratorResult<T, void>> => {
    if (isOver) return OVER;
    try {
      landed ??= await (landing ??= land());
      const { value } = landed;
      const message = value.first ?? (await value.messages.next());
      value.first = undefined;
      if (message.done === true) end();
      return message;
    } catch (error) {
      const ended = landed?.scope.signal;
      const isEnded = ended?.aborted === true;
      if (landed !== undefined && !isEnded) onBroken(landed.call, error);
      end();
      throw isEnded ? ended.reason : error;
    }
  };
  const leave = async () => {
    await reading.catch(() => undefined);
    if (!isOver) end();
  };

  const stream: AsyncGenerator<T, void, undefined> = {
    next: () => {
      const next = read();
      reading = next;
      return next;
    },
    return: async () => {
      await leave();
      return OVER;
    },
    throw: async (error: unknown) => {
      await leave();
      throw error;
    },
    [Symbol.asyncIterator]: () => stream,
    [Symbol.asyncDispose]: leave,
  };
  return stream;
}
