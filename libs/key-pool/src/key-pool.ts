import { type Limit, openLimit, pause } from "@quartet/resilience";
import { addUsage } from "./attempt-context.ts";
import type { KeyAttempt } from "./attempt-context.ts";
import type { KeyVerdict } from "./http-verdict.ts";
import { createKeyQueue } from "./key-queue.ts";
import { createKeyRing } from "./key-ring.ts";
import { type BegunStream, type Landed, streamLanded } from "./landed-stream.ts";
import type { Call, Entry, KeyUsage, PoolKey } from "./entry.ts";
import { createSharedKeys } from "./shared-keys.ts";
import type { SharingOptions } from "./shared-keys.ts";

export interface KeyPoolOptions {
  /** 1 to 64 keys with distinct labels. */
  readonly keys: readonly PoolKey[];
  /** What an error says about the key. */
  readonly classify: (error: unknown) => KeyVerdict;
  /** Attempts that may end in a rate limit, 403 or a server's error, for one call. Default: 3. */
  readonly maxAttempts?: number;
  /** The upper end of the first wait before a key is tried again, and the first rest where the provider does not say how long. Default: 1 s. */
  readonly baseMs?: number;
  /** The upper end of any such wait. Default: 60 s. */
  readonly maxMs?: number;
  /** When every key rests, a call waits for the first to return if that is no longer than this, all its waits of this kind together. Default: 5 s. */
  readonly maxRestWaitMs?: number;
  /** Where replicas tell each other which keys rest and which are dead. Default: each finds out for itself. */
  readonly sharing?: SharingOptions | undefined;
  /** A clock that never goes back, in milliseconds. Default: `performance`. */
  readonly clock?: { now(): number };
  /** From 0 to below 1. Default: Math.random. */
  readonly random?: () => number;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** The time left for this call, with all its attempts and waits. Default: 60 s. */
  readonly deadlineMs?: number;
  /** How long this call waits where every key rests. Default: as long as the pool's own option says. */
  readonly maxRestWaitMs?: number | undefined;
  /** The model that is asked, for pools that keep apart what rests for each. Default: the pool's own. */
  readonly model?: string | undefined;
}

/**
 * Both throw NoKeyAvailableError, the signal's reason, a TimeoutError at the deadline if the attempt does so, or the provider's own error
 * when there is no attempt left.
 */
export interface KeyPool {
  run<T>(attempt: (key: string, context: KeyAttempt) => Promise<T>, options?: CallOptions): Promise<T>;
  /** A stream begins with its first message: until then it may be tried again, and never after. */
  stream<T>(
    open: (key: string, context: KeyAttempt) => AsyncIterable<T>,
    options?: CallOptions,
  ): AsyncGenerator<T, void, undefined>;
  usage(): readonly KeyUsage[];
}

/**
 * The only retry loop around a provider (its SDK's own is to be off).
 *
 * - A call takes the least recently used key that can be used; where the provider tells what is left, keys with more of it more often. One with
 *   nothing left, or less than calls under way may take, is used only when no other has anything.
 * - 429 rests the key, and those that share its limit, for as long as told, a day at most. `insufficient_quota`, 402 and 401 take it out; ten minutes later one call
 *   finds out whether they still hold. All three, and a server's or a connection's error, send the call on: to another key at once; else to
 *   the same keys after 0 to 1 s, 2 s, 4 s ... at most 60 s (full jitter). So does 403, but never to the same key: what one may not do another may, such as
 *   asking for a model, also one that rests a while, and it says nothing about other calls.
 * - After a rest one call goes first, and the others follow when it was let in: see `KeyLimit`. Calls that find no key wait in line; those that were refused by 403
 *   wait aside.
 * - At most three attempts end in 429, 403 or a server's error. An attempt that only finds out that its key is dead does not count: each key
 *   can do so once.
 * - Nothing is tried again once it has begun, after the signal, or past the deadline; and no wait is begun that would not end before it.
 * - With `sharing`, what one replica learns of a key holds in all of them half a second later. Where that is lost, each key costs each replica
 *   one call to learn it anew.
 *
 * A key's value goes into the attempt and nowhere else.
 *
 * @throws {RangeError} when there are no keys, more than 64, or two with the same label.
 */
export function createKeyPool(options: KeyPoolOptions): KeyPool {
  const { keys, classify, maxAttempts = 3, baseMs = 1_000, maxMs = 60_000, maxRestWaitMs = 5_000 } = options;
  const { clock = performance, random = Math.random, sharing } = options;
  if (keys.length < 1 || keys.length > 64) throw new RangeError(`a key pool takes 1 to 64 keys, not ${keys.length}`);
  if (new Set(keys.map(({ label }) => label)).size !== keys.length)
    throw new RangeError("two keys have the same label");
  const ring = createKeyRing(keys, { baseMs, maxMs, onEmpty: (entry, ms) => shared?.tell(entry, "empty", ms) });
  const queue = createKeyQueue(ring, clock, random);
  const shared = sharing && createSharedKeys(ring, sharing, clock);

  const failed = (call: Call, verdict: KeyVerdict) => {
    const now = clock.now();
    ring.failed(call, verdict, now);
    queue.wake();
    if (verdict.kind === "rate-limit") shared?.tell(call.entry, "rest", call.entry.limit.restsUntil - now);
    if (verdict.kind === "quota" || verdict.kind === "auth") shared?.tell(call.entry, verdict.kind);
  };

  const contextOf = (call: Call, scope: Limit, attempt: number, markBegun: () => void): KeyAttempt => ({
    signal: scope.signal,
    label: call.entry.key.label,
    attempt,
    markBegun,
    heard: (headers) => {
      ring.heard(call, headers, clock.now());
      queue.wake();
    },
    addUsage: (usage) => addUsage(call, usage),
  });

  /** Tries until the work is done; the scope of the attempt that did it is still open. */
  const land = async <T>(
    work: (key: string, context: KeyAttempt) => Promise<T>,
    { signal, deadlineMs = 60_000, maxRestWaitMs: restWaitMs = maxRestWaitMs }: CallOptions,
  ): Promise<Landed<T>> => {
    const deadline = clock.now() + deadlineMs;
    let tried: Set<Entry> | undefined;
    /** Those that may not do what this call asks for. */
    const forbidden = new Set<Entry>();
    let [attempts, failures, waits, waitedMs] = [0, 0, 0, 0];
    let lastError: unknown;
    for (;;) {
      signal?.throwIfAborted();
      const learning = shared?.learn();
      if (learning !== undefined) await learning;
      const now = clock.now();
      const leftMs = deadline - now;
      if (leftMs <= 0) throw lastError ?? new DOMException("no time left", "TimeoutError");
      if (forbidden.size > 0) {
        const others = ring.blocked(now, forbidden);
        if (others !== undefined) {
          if (others.error.kind !== "resting") throw lastError;
          await queue.waitAside(others, { leftMs, restWaitMs: restWaitMs - waitedMs }, signal);
          waitedMs += clock.now() - now;
          tried = new Set(forbidden);
          continue;
        }
      }
      // Whoever is first in line takes any key, which those with forbidden ones cannot.
      const isBehind = forbidden.size === 0 && !queue.isEmpty && waitedMs < restWaitMs;
      const entry = isBehind ? undefined : ring.next(now, tried);
      if (entry !== undefined && tried?.has(entry)) {
        const waitMs = random() * Math.min(maxMs, baseMs * 2 ** waits++);
        if (waitMs >= leftMs) throw lastError;
        await pause(waitMs, signal);
        tried = new Set(forbidden);
        continue;
      }
      const call = entry
        ? ring.use(entry, now)
        : await queue.take({ leftMs, restWaitMs: restWaitMs - waitedMs }, signal);
      if (entry === undefined) waitedMs += clock.now() - now;
      // Whatever the attempt leaves open is closed by it.
      const scope = openLimit(signal, { limitMs: deadline - clock.now(), error: outOfTime });
      let begun = false;
      try {
        const value = await work(
          call.entry.key.value,
          contextOf(call, scope, ++attempts, () => (begun = true)),
        );
        ring.wentWell(call, clock.now());
        queue.wake();
        return { value, call, scope };
      } catch (error) {
        const ended: unknown = scope.signal.aborted ? scope.signal.reason : undefined;
        scope.close();
        // An attempt that was ended by us says so in its SDK's words, and nothing about its key.
        if (ended !== undefined) {
          ring.left(call);
          queue.wake();
          throw ended;
        }
        const verdict = classify(error);
        failed(call, verdict);
        if (begun || verdict.kind === "other") throw error;
        (tried ??= new Set()).add(call.entry);
        if (verdict.kind === "forbidden") forbidden.add(call.entry);
        // A key that is dead is neither an attempt nor the last word: the provider's text quotes the key.
        if (verdict.kind === "quota" || verdict.kind === "auth") continue;
        if (++failures >= maxAttempts)
          throw verdict.kind === "rate-limit" ? (ring.blocked(clock.now())?.error ?? error) : error;
        lastError = error;
      }
    }
  };

  return {
    run: async (attempt, callOptions = {}) => {
      const { value, scope } = await land(attempt, callOptions);
      scope.close();
      return value;
    },
    stream: <T>(open: (key: string, context: KeyAttempt) => AsyncIterable<T>, callOptions: CallOptions = {}) => {
      const begin = async (key: string, context: KeyAttempt): Promise<BegunStream<T>> => {
        const messages = open(key, context)[Symbol.asyncIterator]();
        return { messages, first: await messages.next() };
      };
      return streamLanded({
        land: () => land(begin, callOptions),
        onBroken: (call, error) => failed(call, classify(error)),
      });
    },
    usage: () => ring.usage(clock.now()),
  };
}

const outOfTime = () => new DOMException("the deadline of this call is over", "TimeoutError");
