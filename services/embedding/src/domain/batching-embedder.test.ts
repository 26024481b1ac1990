import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import fc from "fast-check";
import { createBatchingEmbedder, type BatchingEmbedderOptions } from "./batching-embedder.ts";
import type { Embedder, EmbedOptions, EmbedResult, Purpose, Usage } from "./embedder.ts";
import { EmbedderError } from "./embedder-error.ts";

interface PendingCall {
  readonly texts: readonly string[];
  readonly tenant: string;
  readonly purpose: Purpose;
  readonly signal: AbortSignal;
  readonly onUsage: ((usage: Usage) => void) | undefined;
  answer(): void;
  fail(error: unknown): void;
}

/** A model whose calls end when the test says so. A vector is the length of its text, a token a character. */
function model() {
  const calls: PendingCall[] = [];
  const embedder: Embedder = {
    knownSpace: undefined,
    space: () => Promise.reject(new Error("not asked for")),
    embed: (texts, { tenant, purpose, signal, onUsage }) => {
      const { promise, resolve, reject } = Promise.withResolvers<EmbedResult>();
      signal.addEventListener("abort", () => reject(signal.reason as Error));
      const vectors = texts.map((text) => ({ vector: Float32Array.of(text.length), truncated: false }));
      const inputTokens = texts.join("").length;
      const usage = { inputTokens, calls: 1, estimated: false, costNanos: 3 * inputTokens };
      const answer = () => {
        onUsage?.(usage);
        resolve({ vectors, usage });
      };
      calls.push({ texts, tenant, purpose, signal, onUsage, answer, fail: reject });
      return promise;
    },
  };
  return { embedder, calls };
}

const limits = { waitMs: 60_000, maxTexts: 4, maxBytes: 1_000, maxCalls: 8 };

let everyone: AbortController;
beforeEach(() => {
  everyone = new AbortController();
});
afterEach(() => everyone.abort(new Error("the test is over")));

function batching(given: Partial<BatchingEmbedderOptions> = {}) {
  const { embedder, calls } = model();
  const batched = createBatchingEmbedder({ embedder, ...limits, ...given });
  const embed = (texts: readonly string[], options: Partial<EmbedOptions> = {}) => {
    const asked = batched.embed(texts, { tenant: "one", purpose: "QUERY", signal: everyone.signal, ...options });
    asked.catch(() => undefined);
    return asked;
  };
  return { embed, calls, textsOf: () => calls.map(({ texts }) => texts.join(" ")) };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));
const lengths = ({ vectors }: EmbedResult) => vectors.map(({ vector }) => vector[0]);

describe("texts of requests at the same time", () => {
  it("go at once where no other call is under way", async () => {
    const { embed, textsOf } = batching();
    void embed(["a"]);
    void embed(["b"], { purpose: "DOCUMENT" });
    void embed(["c"], { tenant: "two" });
    expect(textsOf()).toEqual(["a", "b", "c"]);
  });

  it("gather while one is, and go together when it has ended, each to its own request", async () => {
    const { embed, calls, textsOf } = batching();
    void embed(["a"]);
    const [two, three] = [embed(["bb", "ccc"]), embed(["dddd"])];
    expect(textsOf()).toEqual(["a"]);
    calls[0]!.answer();
    await settle();
    expect(textsOf()).toEqual(["a", "bb ccc dddd"]);
    calls[1]!.answer();
    expect([lengths(await two), lengths(await three)]).toEqual([[2, 3], [4]]);
  });

  it("go as soon as they fill a call, by number or by size", () => {
    const { embed, textsOf } = batching({ maxBytes: 10 });
    void embed(["a"]);
    for (const text of ["b", "c", "d", "e", "f"]) void embed([text]);
    expect(textsOf()).toEqual(["a", "b c d e"]);
    void embed(["gggggg"]);
    void embed(["hhhhhh"]);
    expect(textsOf()).toEqual(["a", "b c d e", "f gggggg"]);
  });

  it("wait no longer than they may", async () => {
    jest.useFakeTimers();
    try {
      const { embed, textsOf } = batching({ waitMs: 5 });
      void embed(["a"]);
      void embed(["b"]);
      jest.advanceTimersByTime(3);
      void embed(["c"]);
      expect(textsOf()).toEqual(["a"]);
      jest.advanceTimersByTime(2);
      expect(textsOf()).toEqual(["a", "b c"]);
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  it("gather for the next where as many calls as may are under way", async () => {
    const { embed, calls, textsOf } = batching({ maxCalls: 1, maxTexts: 2 });
    for (const text of ["a", "b", "c", "d"]) void embed([text]);
    expect(textsOf()).toEqual(["a"]);
    calls[0]!.answer();
    await settle();
    expect(textsOf()).toEqual(["a", "b c"]);
  });

  it("are never mixed with another tenant's or purpose's", async () => {
    const { embed, calls } = batching();
    for (const tenant of ["one", "two"]) {
      for (const purpose of ["QUERY", "DOCUMENT"] as const) {
        for (const n of [1, 2, 3]) void embed([`${tenant} ${purpose} ${n}`], { tenant, purpose });
      }
    }
    for (const call of calls) call.answer();
    await settle();
    expect(calls).toHaveLength(8);
    for (const { texts, tenant, purpose } of calls) {
      for (const text of texts) expect(text).toMatch(new RegExp(`^${tenant} ${purpose} `));
    }
  });

  it("of a long list go in calls of their own but for its rest", async () => {
    const { embed, calls, textsOf } = batching();
    void embed(["x"]);
    const long = embed(["a", "bb", "ccc", "dddd", "eeeee", "ffffff"]);
    void embed(["y"]);
    expect(textsOf()).toEqual(["x", "a bb ccc dddd"]);
    calls[0]!.answer();
    calls[1]!.answer();
    await settle();
    expect(textsOf().at(-1)).toBe("eeeee ffffff y");
    calls[2]!.answer();
    const { vectors, usage } = await long;
    expect(vectors.map(({ vector }) => vector[0])).toEqual([1, 2, 3, 4, 5, 6]);
    expect(usage).toMatchObject({ inputTokens: 21, calls: 2 });
  });
});

describe("a request that leaves", () => {
  const three = () => {
    const batch = batching();
    void batch.embed(["first"]);
    const callers = [new AbortController(), new AbortController()] as const;
    const asked = callers.map(({ signal }, index) => batch.embed([`text-${index}`], { signal }));
    return { ...batch, callers, asked };
  };

  it("takes its own texts out while they wait, and no others", async () => {
    const { calls, callers, asked, textsOf } = three();
    callers[0].abort(new Error("left"));
    await expect(asked[0]).rejects.toThrow("left");
    calls[0]!.answer();
    await settle();
    expect(textsOf()).toEqual(["first", "text-1"]);
  });

  it("leaves a call to those who still wait, which is aborted with the last of them", async () => {
    const { calls, callers, asked } = three();
    calls[0]!.answer();
    await settle();
    callers[0].abort(new Error("left"));
    await expect(asked[0]).rejects.toThrow("left");
    expect(calls[1]!.signal.aborted).toBe(false);
    callers[1].abort(new Error("too"));
    await expect(asked[1]).rejects.toThrow("too");
    expect(calls[1]!.signal.aborted).toBe(true);
  });

  it("holds no place: others go on after it", async () => {
    const { embed, calls, textsOf } = batching({ maxCalls: 1 });
    const caller = new AbortController();
    void embed(["a"], { signal: caller.signal });
    void embed(["b"]);
    caller.abort(new Error("left"));
    await settle();
    expect(calls[0]!.signal.aborted).toBe(true);
    expect(textsOf()).toEqual(["a", "b"]);
  });
});

describe("a call that fails", () => {
  const refusal = () => new EmbedderError("LLM_UNAVAILABLE", "refused", { refusesTexts: true });

  /** Fails what holds a bad text, and answers the rest, until nothing is open. */
  const run = async (calls: readonly PendingCall[]) => {
    for (let done = 0; done < calls.length; done++) {
      const call = calls[done]!;
      if (call.texts.some((text) => text.startsWith("bad"))) call.fail(refusal());
      else call.answer();
      await settle();
    }
  };

  it("fails for all of its requests, where it is not for their texts", async () => {
    const { embed, calls } = batching();
    const asked = ["a", "b", "c"].map((text) => embed([text]));
    calls[0]!.answer();
    await settle();
    calls[1]!.fail(new EmbedderError("LLM_RATE_LIMIT", "rests"));
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected"]);
    expect(calls).toHaveLength(2);
  });

  it("for one text of one request fails for that request alone", async () => {
    const { embed, calls } = batching({ maxTexts: 64 });
    const asked = Array.from({ length: 33 }, (_, n) => embed([n === 20 ? "bad" : `good ${n}`]));
    await run(calls);
    const failed = (await Promise.allSettled(asked)).flatMap(({ status }, n) => (status === "rejected" ? [n] : []));
    expect(failed).toEqual([20]);
    expect(calls.length).toBeLessThan(16);
  });

  it("for texts of some requests fails for these alone, with hardly more calls than the requests on their own", async () => {
    const isBad = fc.array(fc.boolean(), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(isBad, async (requests) => {
        const { embed, calls } = batching({ maxTexts: 64 });
        void embed(["the first goes alone"]);
        const asked = requests.map((bad, n) => embed([`${bad ? "bad" : "good"} ${n}`]));
        await run(calls);
        const outcomes = await Promise.allSettled(asked);
        expect(outcomes.map(({ status }) => status === "rejected")).toEqual(requests);
        expect(calls.length).toBeLessThanOrEqual(1 + 3 + requests.length);
      }),
      { numRuns: 50 },
    );
  });
});

describe("what a shared call costs", () => {
  it("is divided by the length of the texts, and adds up to what was billed", async () => {
    const { embed, calls } = batching();
    void embed(["a"]);
    const asked = [embed(["bbbb"]), embed(["cc", "dd"]), embed(["e"])];
    calls[0]!.answer();
    await settle();
    calls[1]!.answer();
    const usages = (await Promise.all(asked)).map(({ usage }) => usage);
    expect(usages).toEqual([
      { inputTokens: 4, calls: 1, estimated: true, costNanos: 12 },
      { inputTokens: 4, calls: 0, estimated: true, costNanos: 12 },
      { inputTokens: 1, calls: 0, estimated: true, costNanos: 3 },
    ]);
  });

  it("is told to each request, also where the call fails after it was billed", async () => {
    const { embed, calls } = batching();
    const told: Record<string, Usage[]> = { b: [], c: [], dd: [] };
    const asked = ["a", ...Object.keys(told)].map((text) =>
      embed([text], { onUsage: (usage) => told[text]?.push(usage) }),
    );
    calls[0]!.answer();
    await settle();
    calls[1]!.onUsage!({ inputTokens: 8, calls: 1, estimated: false });
    calls[1]!.fail(new EmbedderError("EMBED_SHAPE", "another number of vectors"));
    await Promise.allSettled(asked);
    expect(told).toEqual({
      b: [{ inputTokens: 2, calls: 1, estimated: true }],
      c: [{ inputTokens: 2, calls: 0, estimated: true }],
      dd: [{ inputTokens: 4, calls: 0, estimated: true }],
    });
  });
});
