import type { RedisCommand } from "./connection.ts";
import type { Redis } from "./redis.ts";

export interface WriteQueueOptions {
  readonly redis: Pick<Redis, "send">;
  /** As in `send`. */
  readonly use: string;
  /** Writes that may wait. Default: 2,048. */
  readonly maxEntries?: number;
  /** What may wait, in bytes. Default: 16 MiB. */
  readonly maxBytes?: number;
  /** Writes in one go. Default: 64. */
  readonly batchEntries?: number;
  /** What goes in one go, in bytes: reads on the same connection wait for it. A larger write goes alone. Default: 256 KiB. */
  readonly batchBytes?: number;
  /** How long one go may take. Default: 500 ms. */
  readonly limitMs?: number;
  readonly onOutcome: (outcome: WriteOutcome) => void;
}

/** `dropped`: there was no room. `failed`: Redis did not take it. Neither is tried again: the next who misses it writes it anew. */
export type WriteOutcome = "stored" | "dropped" | "failed";

/** Writes that nobody waits for. The owner calls `close`. */
export interface WriteQueue {
  push(command: RedisCommand, bytes: number): void;
  readonly waiting: number;
  /** Writes what waits, `limitMs` at most. */
  close(limitMs: number): Promise<void>;
}

interface Waiting {
  readonly command: RedisCommand;
  readonly bytes: number;
}

export function createWriteQueue(options: WriteQueueOptions): WriteQueue {
  const { redis, use, onOutcome, limitMs = 500 } = options;
  const { maxEntries = 2_048, maxBytes = 16 * 1024 ** 2, batchEntries = 64, batchBytes = 256 * 1024 } = options;
  let waiting: Waiting[] = [];
  let waitingBytes = 0;
  let closed = false;
  let running: Promise<void> | undefined;

  const takeBatch = (): readonly Waiting[] => {
    let bytes = 0;
    const found = waiting.findIndex((each, index) => {
      bytes += each.bytes;
      return index === batchEntries || (index > 0 && bytes > batchBytes);
    });
    const batch = waiting.slice(0, found === -1 ? waiting.length : found);
    waiting = waiting.slice(batch.length);
    for (const each of batch) waitingBytes -= each.bytes;
    return batch;
  };

  const drain = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = takeBatch();
      const answer = await redis.send(
        batch.map(({ command }) => command),
        { use, limitMs },
      );
      for (const index of batch.keys()) {
        const reply = answer.kind === "answered" ? answer.replies[index] : undefined;
        onOutcome(reply !== undefined && "value" in reply ? "stored" : "failed");
      }
    }
  };

  return {
    push: (command, bytes) => {
      if (closed || waiting.length >= maxEntries || waitingBytes + bytes > maxBytes) return onOutcome("dropped");
      waiting.push({ command, bytes });
      waitingBytes += bytes;
      running ??= drain().finally(() => (running = undefined));
    },
    get waiting() {
      return waiting.length;
    },
    close: async (closeLimitMs) => {
      closed = true;
      if (running === undefined) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, closeLimitMs);
      await Promise.race([running, promise]);
      clearTimeout(timer);
      for (const _ of waiting) onOutcome("dropped");
      waiting = [];
    },
  };
}
