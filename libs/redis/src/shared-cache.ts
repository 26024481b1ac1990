import type { Metrics } from "@quartet/telemetry";
import { frameOverheadBytes, fromFrame, toFrame } from "./frame.ts";
import type { Redis } from "./redis.ts";
import { anyText, deleteKeys, toGlob } from "./delete-keys.ts";
import { createWriteQueue } from "./write-queue.ts";
import type { WriteOutcome, WriteQueueOptions } from "./write-queue.ts";

export interface SharedCacheOptions<V> {
  readonly redis: Redis;
  readonly metrics: Metrics;
  /** What is cached, as `embeddings`: the start of its keys, and a label of metrics. */
  readonly name: string;
  /** Of the codec, 0 to 255. It stands in the key too: replicas of two releases do not push out each other's values. */
  readonly version: number;
  readonly codec: ValueCodec<V>;
  /** The longest encoded value: a longer one is not written, and what is longer in Redis is not read. */
  readonly maxValueBytes: number;
  /** Default: the bounds of createWriteQueue. */
  readonly queue?: Pick<WriteQueueOptions, "maxEntries" | "maxBytes">;
}

/** `decode` gives undefined for bytes that are no value. */
export interface ValueCodec<V> {
  encode(value: V): Uint8Array;
  decode(bytes: Buffer): V | undefined;
}

/** What a read found. `bypassed` is not a miss: Redis was not asked, or did not answer. */
export type CacheRead<V> = { readonly kind: "hit"; readonly value: V } | { readonly kind: "miss" | "bypassed" };

/** A cache that replicas share and that may be empty, damaged or away at any moment: it never throws for any of this. */
export interface SharedCache<V> {
  /**
   * In the order of `names`, in one round trip within Redis' time limit. What is found and is no value of this cache (cut, damaged, of another
   * version, of another type, too long) is a miss, and is deleted.
   *
   * @param names without secrets: operators see keys. A text of a user goes in as its hash.
   */
  getMany(names: readonly string[]): Promise<readonly CacheRead<V>[]>;
  /** Written a moment later, by nobody's leave: dropped where too much is waiting, and lost where Redis does not take it. */
  setLater(name: string, value: V, options: { readonly ttlMs: number }): void;
  /**
   * Deletes the values whose names start with `start` and go on as `pattern` says, in which `*` is any text and all else is literal (an empty one
   * matches everything), and gives how many there were; undefined where Redis does not do all of it. Values written meanwhile may stay.
   */
  deleteMatching(
    start: string,
    pattern: string,
    options: { readonly signal: AbortSignal },
  ): Promise<number | undefined>;
  /** Look-ups since the start. */
  readonly counts: { readonly hits: number; readonly misses: number; readonly bypasses: number };
  /** Writes that wait. */
  readonly waiting: number;
  /** Writes what waits, `limitMs` at most (default 500). */
  close(limitMs?: number): Promise<void>;
}

export function createSharedCache<V>(options: SharedCacheOptions<V>): SharedCache<V> {
  const { redis, metrics, name: cache, version, codec, maxValueBytes } = options;
  const maxFrameBytes = maxValueBytes + frameOverheadBytes;
  const keyOf = (name: string) => redis.key(`${cache}:v${version}:${name}`);
  const counts = { hits: 0, misses: 0, bypasses: 0 };
  const countRead = (outcome: Found<V>["kind"], amount = 1) => {
    counts[countOf[outcome]] += amount;
    metrics.counter("quartet_shared_cache_reads_total").with({ cache, outcome }).add(amount);
  };
  const countWrite = (outcome: WriteOutcome) =>
    metrics.counter("quartet_shared_cache_writes_total").with({ cache, outcome }).add();
  const queue = createWriteQueue({ redis, use: cache, ...options.queue, onOutcome: countWrite });

  return {
    getMany: async (names) => {
      const keys = names.map(keyOf);
      // One byte more than a value may have tells that it is too long, without fetching the rest. Nothing there is an empty text.
      const commands = keys.map((key) => ["GETRANGE", key, 0, maxFrameBytes] as const);
      const answer = await redis.send(commands, { use: cache });
      if (answer.kind === "bypassed") {
        countRead("bypassed", names.length);
        return names.map(() => ({ kind: "bypassed" }));
      }
      const invalid: string[] = [];
      const reads = answer.replies.map((reply, index): CacheRead<V> => {
        const found: Found<V> = "error" in reply ? ofError(reply.error) : ofValue(reply.value);
        countRead(found.kind);
        if (found.kind !== "invalid") return found;
        invalid.push(keys[index]!);
        return { kind: "miss" };
      });
      // Not waited for: whether it is gone is seen by the next who reads it.
      if (invalid.length > 0) void redis.send([["UNLINK", ...invalid]], { use: cache });
      return reads;
    },
    setLater: (name, value, { ttlMs }) => {
      if (!redis.up) return countWrite("failed");
      const frame = toFrame(version, codec.encode(value));
      if (frame.byteLength > maxFrameBytes) return;
      queue.push(["SET", keyOf(name), frame, "PX", Math.ceil(ttlMs)], frame.byteLength);
    },
    deleteMatching: (start, pattern, { signal }) =>
      deleteKeys({ redis, use: cache, glob: toGlob(keyOf(start)) + (pattern === "" ? "*" : anyText(pattern)), signal }),
    counts,
    get waiting() {
      return queue.waiting;
    },
    close: (limitMs = 500) => queue.close(limitMs),
  };

  function ofValue(value: unknown): Found<V> {
    if (!Buffer.isBuffer(value)) return { kind: "invalid" };
    if (value.byteLength === 0) return { kind: "miss" };
    const inside = value.byteLength > maxFrameBytes ? undefined : fromFrame(version, value);
    const decoded = inside && codec.decode(inside);
    return decoded === undefined ? { kind: "invalid" } : { kind: "hit", value: decoded };
  }
}

type Found<V> = CacheRead<V> | { readonly kind: "invalid" };

const countOf = { hit: "hits", miss: "misses", invalid: "misses", bypassed: "bypasses" } as const;

/** A key of another type is not ours to read and in our place; any other refusal says nothing about the value. */
const ofError = (error: string): Found<never> => ({ kind: error === "WRONGTYPE" ? "invalid" : "bypassed" });
