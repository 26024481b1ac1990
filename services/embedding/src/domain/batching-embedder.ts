import type { Embedder, EmbedOptions, EmbedResult, Purpose, Usage } from "./embedder.ts";
import { EmbedderError } from "./embedder-error.ts";
import { type BatchLimits, divided, runStarts } from "./text-batches.ts";
import { addUsage } from "./usage.ts";

export interface BatchingEmbedderOptions extends BatchLimits {
  /** Makes the vectors; what it is given fits one call. */
  readonly embedder: Embedder;
  /** How long a text waits for others at most. It waits only while another call for its tenant and purpose is under way. */
  readonly waitMs: number;
  /** Calls at once for one tenant and purpose; while there are so many, texts gather for the next. */
  readonly maxCalls: number;
  /** Told of each call that goes out. Default: nobody is. */
  readonly onCall?: (call: { readonly purpose: Purpose; readonly texts: number; readonly requests: number }) => void;
}

/** What one request asks for in a call that it shares. */
interface Part {
  readonly texts: readonly string[];
  readonly bytes: number;
  readonly onUsage: EmbedOptions["onUsage"];
  /** When it came, in milliseconds of `performance`. */
  readonly since: number;
  readonly result: PromiseWithResolvers<EmbedResult>;
  /** The call it is part of; undefined while it waits for one. */
  call: Call | undefined;
  /** Nobody waits for it any longer. */
  left: boolean;
}

interface Call {
  readonly parts: readonly Part[];
  readonly controller: AbortController;
}

/** The texts of one tenant and purpose: what waits, longest first, and how many calls are under way. */
interface Lane {
  readonly tenant: string;
  readonly purpose: Purpose;
  readonly waiting: Part[];
  calls: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/**
 * Puts the texts of requests that come at the same time into one call, as Nagle's algorithm does with small packets: the first goes at once,
 * and while a call is under way others wait until a batch is full, `waitMs` are over, or no call is under way any more. Whoever is alone never waits.
 *
 *     waiting --full, time over, or lane idle--> in a call --answered--> done
 *        | its request leaves                       | its request leaves; the call is aborted when all of its requests have left
 *        v                                          v
 *       gone                                       gone
 *
 * A call holds texts of one tenant only: a budget that is spent, or a text that is refused, concerns nobody else's, and how long a call takes tells
 * nothing about others. A request's part of a call is never cut in two; what fills calls of its own goes on its own.
 */
export function createBatchingEmbedder(options: BatchingEmbedderOptions): Embedder {
  const { embedder } = options;
  const lanes = createLanes(options);
  return {
    get knownSpace() {
      return embedder.knownSpace;
    },
    space: (given) => embedder.space(given),
    async embed(texts, given) {
      given.signal.throwIfAborted();
      const bytesOf = texts.map((text) => Buffer.byteLength(text));
      const lastStart = runStarts(bytesOf, options).at(-1) ?? 0;
      const rest = {
        texts: texts.slice(lastStart),
        bytes: bytesOf.slice(lastStart).reduce((sum, bytes) => sum + bytes, 0),
      };
      if (lastStart === 0) return texts.length === 0 ? embedder.embed(texts, given) : lanes.embed(rest, given);
      return both(given, [
        (either) => embedder.embed(texts.slice(0, lastStart), either),
        (either) => lanes.embed(rest, either),
      ]);
    },
    ...(embedder.close && { close: () => embedder.close!() }),
  };
}

function createLanes({ embedder, waitMs, maxCalls, maxTexts, maxBytes, onCall }: BatchingEmbedderOptions) {
  const lanes = new Map<string, Lane>();

  /** Sends what may go now, and sets the timer for what may not. */
  const pump = (lane: Lane): void => {
    clearTimeout(lane.timer);
    lane.timer = undefined;
    while (lane.waiting.length > 0 && lane.calls < maxCalls) {
      const waitedMs = performance.now() - lane.waiting[0]!.since;
      if (lane.calls > 0 && waitedMs < waitMs && !fillsCall(lane)) {
        lane.timer = setTimeout(pump, waitMs - waitedMs, lane);
        return;
      }
      const parts = takeBatch(lane);
      lane.calls += 1;
      void serve(lane, parts).finally(() => {
        lane.calls -= 1;
        pump(lane);
      });
    }
    if (lane.calls === 0) lanes.delete(keyOf(lane));
  };

  const fillsCall = ({ waiting }: Lane): boolean => {
    const [texts, bytes] = [sumOf(waiting, (part) => part.texts.length), sumOf(waiting, (part) => part.bytes)];
    return texts >= maxTexts || bytes >= maxBytes;
  };

  /** As many as fit one call, longest waiting first; at least one. */
  const takeBatch = ({ waiting }: Lane): Part[] => {
    let [count, texts, bytes] = [0, 0, 0];
    for (const part of waiting) {
      texts += part.texts.length;
      bytes += part.bytes;
      if (count > 0 && (texts > maxTexts || bytes > maxBytes)) break;
      count += 1;
    }
    return waiting.splice(0, count);
  };

  /**
   * Asks for the parts together, and again where that is refused for what is in some of them: by halves while one half passes, and one by one when
   * neither does. So nobody fails for what another holds, and no more than three calls are made beyond those of the requests on their own.
   */
  const serve = async (lane: Lane, parts: readonly Part[]): Promise<void> => {
    let suspects = (await isRefused(lane, parts)) ? parts : [];
    while (suspects.length > 0) {
      const middle = Math.ceil(suspects.length / 2);
      const [first, second] = [suspects.slice(0, middle), suspects.slice(middle)];
      const [isFirst, isSecond] = await Promise.all([isRefused(lane, first), isRefused(lane, second)]);
      if (isFirst && isSecond) {
        await Promise.all(suspects.map((part) => isRefused(lane, [part])));
        return;
      }
      suspects = isFirst ? first : isSecond ? second : [];
    }
  };

  /** Makes one call. True where it failed for what one of several parts may hold: these still wait, while all others are told how it ended. Never rejects. */
  const isRefused = async (lane: Lane, asked: readonly Part[]): Promise<boolean> => {
    const parts = asked.filter(({ left }) => !left);
    if (parts.length === 0) return false;
    const { tenant, purpose } = lane;
    const call: Call = { parts, controller: new AbortController() };
    for (const part of parts) part.call = call;
    const texts = parts.flatMap((part) => part.texts);
    onCall?.({ purpose, texts: texts.length, requests: parts.length });
    const onUsage = (usage: Usage) => {
      for (const [index, share] of sharesOf(usage, parts).entries()) parts[index]!.onUsage?.(share);
    };
    try {
      handOut(parts, await embedder.embed(texts, { tenant, purpose, signal: call.controller.signal, onUsage }));
    } catch (error) {
      if (parts.length > 1 && error instanceof EmbedderError && error.refusesTexts) return true;
      for (const part of parts) part.result.reject(error);
    }
    return false;
  };

  const leave = (lane: Lane, part: Part, reason: unknown): void => {
    part.left = true;
    part.result.reject(reason);
    const place = lane.waiting.indexOf(part);
    if (place >= 0) {
      lane.waiting.splice(place, 1);
      pump(lane);
    } else if (part.call?.parts.every(({ left }) => left)) part.call.controller.abort(reason);
  };

  return {
    async embed(given: Pick<Part, "texts" | "bytes">, options: EmbedOptions): Promise<EmbedResult> {
      const { tenant, purpose, signal, onUsage } = options;
      const lane = lanes.get(keyOf({ tenant, purpose })) ?? {
        tenant,
        purpose,
        waiting: [],
        calls: 0,
        timer: undefined,
      };
      lanes.set(keyOf(lane), lane);
      const result = Promise.withResolvers<EmbedResult>();
      const part: Part = { ...given, onUsage, since: performance.now(), result, call: undefined, left: false };
      const onAbort = () => leave(lane, part, signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      lane.waiting.push(part);
      pump(lane);
      try {
        return await result.promise;
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
    },
  };
}

/** A tenant's name has no line break in it. */
const keyOf = ({ tenant, purpose }: Pick<Lane, "tenant" | "purpose">) => `${tenant}\n${purpose}`;

const sumOf = (parts: readonly Part[], sizeOf: (part: Part) => number) =>
  parts.reduce((sum, part) => sum + sizeOf(part), 0);

/** Gives each part its vectors and its share of the usage. */
function handOut(parts: readonly Part[], { vectors, usage }: EmbedResult): void {
  if (vectors.length !== sumOf(parts, ({ texts }) => texts.length)) {
    const error = new EmbedderError("EMBED_SHAPE", "The embedder gave another number of vectors than texts.");
    for (const part of parts) part.result.reject(error);
    return;
  }
  const shares = usage === undefined ? [] : sharesOf(usage, parts);
  let from = 0;
  for (const [index, part] of parts.entries()) {
    const own = vectors.slice(from, (from += part.texts.length));
    part.result.resolve({ vectors: own, usage: shares[index] });
  }
}

/**
 * The tokens are divided by the length of the texts, as the provider tells their sum only; the shares add up to it. The call itself is on whoever
 * came first: one that is divided would be counted several times, or not at all.
 */
function sharesOf(usage: Usage, parts: readonly Part[]): Usage[] {
  if (parts.length === 1) return [usage];
  const { inputTokens, costNanos } = usage;
  const weights = parts.map(({ bytes }) => bytes);
  const costs = costNanos === undefined ? [] : divided(costNanos, weights);
  return divided(inputTokens, weights).map((tokens, index) => ({
    inputTokens: tokens,
    calls: index === 0 ? usage.calls : 0,
    estimated: true,
    costNanos: costs[index],
  }));
}

/** The vectors of both in order, and their usage together. The first failure ends the other. */
async function both(options: EmbedOptions, [first, second]: readonly [Ask, Ask]): Promise<EmbedResult> {
  const failed = new AbortController();
  const either = { ...options, signal: AbortSignal.any([options.signal, failed.signal]) };
  const orFail = async (ask: Ask) => {
    try {
      return await ask(either);
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  };
  const [one, other] = await Promise.all([orFail(first), orFail(second)]);
  return { vectors: [...one.vectors, ...other.vectors], usage: addUsage(one.usage, other.usage) };
}

type Ask = (options: EmbedOptions) => Promise<EmbedResult>;
