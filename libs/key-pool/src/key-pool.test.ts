import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import type { KeyVerdict } from "./http-verdict.ts";
import { createKeyPool } from "./key-pool.ts";
import type { KeyAttempt } from "./attempt-context.ts";
import type { CallOptions, KeyPool, KeyPoolOptions } from "./key-pool.ts";
import { NoKeyAvailableError } from "./no-key-available-error.ts";

class ProviderError extends Error {
  readonly verdict: KeyVerdict;
  constructor(verdict: KeyVerdict) {
    super(verdict.kind);
    this.verdict = verdict;
  }
}
const limited = (retryAfterMs?: number) =>
  new ProviderError({ kind: "rate-limit", ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
const failed = (kind: "quota" | "auth" | "forbidden" | "server" | "other") => new ProviderError({ kind });

const build = (count: number, overrides: Partial<KeyPoolOptions> = {}): KeyPool =>
  createKeyPool({
    keys: Array.from({ length: count }, (_, index) => ({ label: `key-${index + 1}`, value: `sk-canary-${index + 1}` })),
    classify: (error) => (error instanceof ProviderError ? error.verdict : { kind: "other" }),
    random: () => 0.5,
    ...overrides,
  });

/** Answers each attempt with what stands in the script, `ok` after its end, and notes which key was used when. */
const provider = (script: readonly (Error | "ok")[]) => {
  const hits: [label: string, atMs: number][] = [];
  const start = performance.now();
  const attempt = async (key: string, { label }: KeyAttempt) => {
    expect(key).toBe(`sk-canary-${label.slice(4)}`);
    hits.push([label, performance.now() - start]);
    const next = script[hits.length - 1] ?? "ok";
    if (next !== "ok") throw next;
    return `answer of ${label}`;
  };
  return { hits, attempt };
};
/** Runs a call to its end on the fake clock. */
const run = async (
  pool: KeyPool,
  attempt: (key: string, context: KeyAttempt) => Promise<string>,
  options?: CallOptions,
): Promise<unknown> => {
  const outcome = pool.run(attempt, options).catch((error: unknown) => error);
  await jest.runAllTimersAsync();
  return outcome;
};
const states = (pool: KeyPool) => pool.usage().map(({ state }) => state);

beforeEach(() => void jest.useFakeTimers());
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

describe("run", () => {
  it("takes the least recently used key", async () => {
    const pool = build(3);
    const { hits, attempt } = provider([]);
    for (let call = 0; call < 7; call++) await run(pool, attempt);
    expect(hits.map(([label]) => label)).toEqual(["key-1", "key-2", "key-3", "key-1", "key-2", "key-3", "key-1"]);
  });

  it("tries another healthy key at once, and rests the first for exactly as long as told", async () => {
    const pool = build(2);
    const { hits, attempt } = provider([limited(1_000)]);
    expect(await run(pool, attempt)).toBe("answer of key-2");
    expect(hits).toEqual([
      ["key-1", 0],
      ["key-2", 0],
    ]);
    expect(pool.usage()[0]).toMatchObject({ state: "resting", restMs: 1_000, rests: 1, errors: 1, calls: 1 });
    await jest.advanceTimersByTimeAsync(999);
    await run(pool, attempt);
    expect(hits.at(-1)?.[0]).toBe("key-2");
    await jest.advanceTimersByTimeAsync(1);
    expect(states(pool)).toEqual(["ready", "ready"]);
    await run(pool, attempt);
    expect(hits.at(-1)?.[0]).toBe("key-1");
  });

  it("does not shorten a rest by a later, shorter one, nor count it twice", async () => {
    const pool = build(2);
    const first = Promise.withResolvers<string>();
    const second = Promise.withResolvers<string>();
    const pending = [first, second];
    const slow = () => pending.shift()?.promise ?? Promise.resolve("answer");
    const one = pool.run((key, context) => (context.label === "key-1" ? slow() : Promise.resolve("answer")));
    await pool.run(async () => "answer");
    const two = pool.run((key, context) => (context.label === "key-1" ? slow() : Promise.resolve("answer")));
    first.reject(limited(9_000));
    await one;
    second.reject(limited(1_000));
    await two;
    expect(pool.usage()[0]).toMatchObject({ restMs: 9_000, rests: 1, errors: 2 });
  });

  it("does not wait for a rest to end where the call wants no such wait", async () => {
    const pool = build(1);
    const { hits, attempt } = provider([limited(1_000)]);
    expect(await run(pool, attempt, { maxRestWaitMs: 0 })).toMatchObject({ kind: "resting", retryAfterMs: 1_000 });
    expect(hits).toHaveLength(1);
  });

  it("tries the same key after 0 to 1 s, then 0 to 2 s, and not a fourth time", async () => {
    const pool = build(1);
    const { hits, attempt } = provider([failed("server"), failed("server"), failed("server")]);
    expect(await run(pool, attempt)).toMatchObject({ message: "server" });
    expect(hits.map(([, atMs]) => atMs)).toEqual([0, 500, 1_500]);
  });

  it("rests a key for 1 s, 2 s, 4 s where the provider does not say how long, until it succeeds", async () => {
    const pool = build(1, { maxAttempts: 1 });
    const rests: number[] = [];
    for (const next of [limited(), limited(), limited(), "ok", limited()] as const) {
      await run(pool, provider([next]).attempt);
      rests.push(pool.usage()[0]!.restMs);
      await jest.advanceTimersByTimeAsync(60_000);
    }
    expect(rests).toEqual([1_000, 2_000, 4_000, 0, 1_000]);
  });

  it("takes out a key that is refused or out of quota, and goes on with the next", async () => {
    const pool = build(3);
    const { hits, attempt } = provider([failed("auth"), failed("quota")]);
    expect(await run(pool, attempt)).toBe("answer of key-3");
    for (let call = 0; call < 3; call++) await run(pool, attempt);
    expect(hits.map(([label]) => label)).toEqual(["key-1", "key-2", "key-3", "key-3", "key-3", "key-3"]);
    expect(states(pool)).toEqual(["refused", "out-of-quota", "ready"]);
  });

  it.each([
    [["auth", "auth"], "refused"],
    [["auth", "quota"], "out-of-quota"],
    [["quota", "quota"], "out-of-quota"],
  ] as const)("says so when all keys are out: %j is %s", async (kinds, kind) => {
    const pool = build(2);
    const { hits, attempt } = provider(kinds.map(failed));
    expect(await run(pool, attempt)).toEqual(new NoKeyAvailableError(kind));
    expect(await run(pool, attempt)).toMatchObject({ kind, retryAfterMs: undefined });
    expect(hits).toHaveLength(2);
  });

  it("goes on with another key where one may not do what is asked, and holds it against none", async () => {
    const pool = build(2);
    const { hits, attempt } = provider([failed("forbidden"), "ok", "ok"]);
    expect(await run(pool, attempt)).toBe("answer of key-2");
    expect(await run(pool, attempt)).toBe("answer of key-1");
    expect(hits.map(([label]) => label)).toEqual(["key-1", "key-2", "key-1"]);
    expect(states(pool)).toEqual(["ready", "ready"]);
  });

  it("asks no key twice for what it may not do, and waits for others that only failed", async () => {
    const all = provider([failed("forbidden"), failed("forbidden")]);
    expect(await run(build(2), all.attempt)).toMatchObject({ message: "forbidden" });
    expect(all.hits.map(([label, atMs]) => [label, atMs])).toEqual([
      ["key-1", 0],
      ["key-2", 0],
    ]);
    const both = provider([failed("forbidden"), failed("server")]);
    expect(await run(build(2), both.attempt)).toBe("answer of key-2");
    expect(both.hits.map(([label, atMs]) => [label, atMs])).toEqual([
      ["key-1", 0],
      ["key-2", 0],
      ["key-2", 500],
    ]);
    const dead = provider([failed("auth"), failed("forbidden")]);
    expect(await run(build(2), dead.attempt)).toMatchObject({ message: "forbidden" });
    expect(dead.hits).toHaveLength(2);
  });

  it("waits for a key that rests where the others may not do what is asked, and says when it returns where that is too long", async () => {
    const pool = build(2);
    const short = provider([limited(1_000), failed("forbidden")]);
    expect(await run(pool, short.attempt)).toBe("answer of key-1");
    expect(short.hits.map(([label]) => label)).toEqual(["key-1", "key-2", "key-1"]);
    expect(short.hits[2]![1]).toBeGreaterThanOrEqual(1_000);
    expect(short.hits[2]![1]).toBeLessThanOrEqual(1_250);

    const long = provider([limited(30_000), failed("forbidden")]);
    expect(await run(build(2), long.attempt)).toEqual(new NoKeyAvailableError("resting", 30_000));
    expect(long.hits).toHaveLength(2);
  });

  it("serves all who wait for the one key that may do what is asked, as soon as it can be used", async () => {
    const pool = build(2);
    const start = performance.now();
    const attempt = async (_key: string, { label }: KeyAttempt) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      if (label === "key-2") throw failed("forbidden");
      if (performance.now() - start < 1_000) throw limited(1_000);
      return performance.now() - start;
    };
    const calls = Array.from({ length: 20 }, () => pool.run(attempt));
    await jest.runAllTimersAsync();
    const endedAt = await Promise.all(calls);
    expect(Math.max(...endedAt)).toBeLessThan(3_000);
  });

  it("fails fast, with the earliest return, when all keys rest for longer than it waits", async () => {
    const pool = build(2);
    const { hits, attempt } = provider([limited(40_000), limited(30_000)]);
    expect(await run(pool, attempt)).toEqual(new NoKeyAvailableError("resting", 30_000));
    expect(hits).toHaveLength(2);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(await run(pool, attempt)).toMatchObject({ kind: "resting", retryAfterMs: 20_000 });
    expect(hits).toHaveLength(2);
  });

  it("waits for a short rest, but not past the deadline", async () => {
    const pool = build(1);
    const { hits, attempt } = provider([limited(2_000), "ok", limited(2_000)]);
    expect(await run(pool, attempt)).toBe("answer of key-1");
    expect(hits.map(([, atMs]) => atMs)).toEqual([0, 2_125]);
    expect(await run(pool, attempt, { deadlineMs: 2_100 })).toMatchObject({ kind: "resting", retryAfterMs: 2_000 });
    expect(hits).toHaveLength(3);
  });

  it("gives the provider's error when there is no time to try again", async () => {
    const { hits, attempt } = provider([failed("server")]);
    expect(await run(build(1), attempt, { deadlineMs: 500 })).toMatchObject({ message: "server" });
    expect(hits).toHaveLength(1);
    expect(await run(build(1), attempt, { deadlineMs: 0 })).toMatchObject({ name: "TimeoutError" });
    expect(hits).toHaveLength(1);
  });

  it("never gives the error of a dead key, which may quote it", async () => {
    const { hits, attempt } = provider([failed("server"), failed("auth")]);
    expect(await run(build(2), attempt, { deadlineMs: 500 })).toMatchObject({ message: "server" });
    expect(hits).toHaveLength(2);
  });

  it("does not repeat a caller's mistake, nor what has begun", async () => {
    const pool = build(3);
    const mistake = provider([failed("other")]);
    expect(await run(pool, mistake.attempt)).toMatchObject({ message: "other" });
    expect(mistake.hits).toHaveLength(1);
    const begun = jest.fn(async (_: string, { markBegun }: KeyAttempt) => {
      markBegun();
      throw failed("server");
    });
    expect(await run(pool, begun)).toMatchObject({ message: "server" });
    expect(begun).toHaveBeenCalledTimes(1);
  });

  it("aborts the attempt at the deadline, and holds nothing against its key", async () => {
    const pool = build(2);
    const hanging = jest.fn((_: string, { signal }: KeyAttempt) => {
      return new Promise<string>((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(failed("server")));
      });
    });
    expect(await run(pool, hanging, { deadlineMs: 300 })).toMatchObject({ name: "TimeoutError" });
    expect(hanging).toHaveBeenCalledTimes(1);
    expect(pool.usage()[0]).toMatchObject({ state: "ready", errors: 0, calls: 1 });
  });

  it("stops with the caller's reason, in an attempt, in a wait, or before", async () => {
    const gone = new Error("gone");
    for (const afterMs of [0, 100]) {
      const caller = new AbortController();
      const { hits, attempt } = provider([failed("server")]);
      const outcome = build(1)
        .run(
          async (key, context) => {
            if (afterMs === 0) caller.abort(gone);
            return attempt(key, context);
          },
          { signal: caller.signal },
        )
        .catch((error: unknown) => error);
      await jest.advanceTimersByTimeAsync(afterMs);
      caller.abort(gone);
      expect(await outcome).toBe(gone);
      expect(hits).toHaveLength(1);
    }
    const { hits, attempt } = provider([]);
    expect(await run(build(1), attempt, { signal: AbortSignal.abort(gone) })).toBe(gone);
    expect(hits).toEqual([]);
  });

  it("aborts the signal of each attempt when it is over", async () => {
    const signals: AbortSignal[] = [];
    const { attempt } = provider([failed("server")]);
    await run(build(2), (key, context) => (signals.push(context.signal), attempt(key, context)));
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  });

  it("counts tokens by key", async () => {
    const pool = build(2);
    for (let call = 0; call < 3; call++) {
      await pool.run(async (_, { addUsage }) => (addUsage({ inputTokens: 10 }), addUsage({ outputTokens: 3 })));
    }
    expect(pool.usage().map(({ inputTokens, outputTokens }) => [inputTokens, outputTokens])).toEqual([
      [20, 6],
      [10, 3],
    ]);
  });

  it("shows its keys nowhere", async () => {
    const pool = build(2);
    const errors = [
      await run(pool, provider([failed("auth"), failed("auth")]).attempt),
      await run(build(1), provider([limited(30_000)]).attempt),
    ];
    const shown = [pool, pool.usage(), ...errors].map((value) => [
      inspect(value, { depth: 9, showHidden: true }),
      JSON.stringify(value),
      String(value),
    ]);
    expect(JSON.stringify(shown)).not.toContain("sk-canary");
  });

  it("refuses keys that it cannot tell apart, none, and too many", () => {
    const key = { label: "key-1", value: "sk-canary-1" };
    const classify = () => ({ kind: "other" }) as const;
    expect(() => createKeyPool({ keys: [], classify })).toThrow("1 to 64 keys, not 0");
    expect(() => createKeyPool({ keys: [key, key], classify })).toThrow("same label");
    expect(() => build(65)).toThrow("1 to 64 keys, not 65");
    expect(build(64).usage()).toHaveLength(64);
  });
});

describe("stream", () => {
  const read = async (stream: AsyncIterable<string>) => {
    const got: string[] = [];
    try {
      for await (const message of stream) got.push(message);
    } catch (error) {
      return { got, error };
    }
    return { got };
  };
  const source = (script: readonly (readonly (string | Error)[])[]) => {
    const signals: AbortSignal[] = [];
    const open = async function* (_: string, { signal }: KeyAttempt) {
      signals.push(signal);
      for (const next of script[signals.length - 1] ?? []) {
        if (typeof next !== "string") throw next;
        yield next;
      }
    };
    return { signals, open };
  };

  it("is tried again until its first message", async () => {
    const { signals, open } = source([[failed("server")], ["가", "나"]]);
    const pool = build(2);
    expect(await read(pool.stream(open))).toEqual({ got: ["가", "나"] });
    expect(signals).toHaveLength(2);
    expect(signals.every(({ aborted }) => aborted)).toBe(true);
  });

  it("is never tried again after it, but its key is told", async () => {
    const { signals, open } = source([["가", limited(1_000)]]);
    const pool = build(2);
    expect(await read(pool.stream(open))).toMatchObject({ got: ["가"], error: { message: "rate-limit" } });
    expect(signals).toHaveLength(1);
    expect(states(pool)).toEqual(["resting", "ready"]);
  });

  it("may be empty", async () => {
    expect(await read(build(1).stream(source([[]]).open))).toEqual({ got: [] });
  });

  it("closes its source when the reader leaves", async () => {
    const { signals, open } = source([["가", "나"]]);
    for await (const _ of build(1).stream(open)) break;
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });

  it("ends with the caller's reason", async () => {
    const caller = new AbortController();
    const open = async function* (_: string, { signal }: KeyAttempt) {
      yield "가";
      await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(failed("server"))));
    };
    const pool = build(1);
    const reading = read(pool.stream(open, { signal: caller.signal }));
    await jest.advanceTimersByTimeAsync(1);
    caller.abort(new Error("gone"));
    expect(await reading).toEqual({ got: ["가"], error: new Error("gone") });
    expect(pool.usage()[0]).toMatchObject({ errors: 0 });
  });
});
