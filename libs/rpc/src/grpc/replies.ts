import type { ClientReadableStream } from "@grpc/grpc-js";

/** Takes the next message of a stream; undefined when there is none any more. One at a time. */
export type TakeNext<T> = () => Promise<T | undefined>;

/** As many as a stream of Node's keeps before it reads no further. */
const MAX_WAITING = 16;

/**
 * The encoded responses of a call as they come, to its end or its failure: which of them it was, the call's status tells. By hand: the iterator of
 * Node's streams costs a call of one message a tenth of all it takes.
 */
export function readReplies(call: ClientReadableStream<Buffer>): TakeNext<Buffer> {
  const waiting: Buffer[] = [];
  let isOver = false;
  let awaited: ((reply: Buffer | undefined) => void) | undefined;
  const give = (reply: Buffer | undefined) => {
    const resolve = awaited;
    awaited = undefined;
    resolve?.(reply);
  };
  const end = () => {
    isOver = true;
    give(undefined);
  };
  call.on("data", (reply: Buffer) => {
    if (awaited !== undefined) return give(reply);
    waiting.push(reply);
    if (waiting.length >= MAX_WAITING) call.pause();
  });
  call.once("end", end).once("close", end);
  return () => {
    const reply = waiting.shift();
    if (reply !== undefined) {
      if (waiting.length === 0 && call.isPaused()) call.resume();
      return Promise.resolve(reply);
    }
    if (isOver) return Promise.resolve(undefined);
    return new Promise((resolve) => (awaited = resolve));
  };
}
