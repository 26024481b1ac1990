import { describe, expect, it, jest } from "@jest/globals";
import fc from "fast-check";
import { createCache } from "./cache.ts";

const sizeOf = (value: string) => value.length;

describe("createCache", () => {
  it("keeps the most recently used, up to its number of entries", () => {
    const cache = createCache<string, number>({ maxEntries: 2 });
    cache.set("a", 1);
    cache.set("b", 2);
    expect(cache.get("a")).toBe(1);
    cache.set("c", 3);
    expect([cache.get("a"), cache.get("b"), cache.get("c")]).toEqual([1, undefined, 3]);
    expect(cache.stats()).toMatchObject({ hits: 3, misses: 1, coalesced: 0, evictions: 1, invalidations: 0 });
    expect(cache.stats()).toMatchObject({ entries: 2, bytes: 0, loading: 0 });
  });

  it("keeps no more than its bytes, and never an entry above them", () => {
    const cache = createCache<string, string>({ maxBytes: 4, sizeOf });
    cache.set("a", "12");
    cache.set("b", "34");
    cache.set("huge", "12345");
    expect([cache.has("a"), cache.has("huge")]).toEqual([true, false]);
    expect(cache.stats()).toMatchObject({ entries: 2, bytes: 4, evictions: 0, hits: 0, misses: 0 });
    cache.set("c", "5");
    expect(cache.get("a")).toBeUndefined();
    expect(cache.stats()).toMatchObject({ entries: 2, bytes: 3, evictions: 1 });
  });

  it("serves nothing older than its time to live", () => {
    const clock = { at: 1_000, now: () => clock.at };
    const cache = createCache<string, number>({ maxEntries: 9, ttlMs: 100, clock });
    cache.set("a", 1);
    clock.at = 1_100;
    expect(cache.get("a")).toBe(1);
    clock.at = 1_101;
    expect(cache.get("a")).toBeUndefined();
  });

  it("tells the age of what was set first, and keeps nothing that is past its time", () => {
    const clock = { at: 1_000, now: () => clock.at };
    const cache = createCache<string, number>({ maxEntries: 9, ttlMs: 100, clock });
    expect(cache.stats().oldestAgeMs).toBe(0);
    for (const key of ["a", "b", "c", "d"]) cache.set(key, 1);
    clock.at = 1_060;
    cache.set("a", 2);
    cache.set("e", 2);
    cache.get("b");
    expect(cache.stats()).toMatchObject({ entries: 5, oldestAgeMs: 60 });
    clock.at = 1_101;
    expect(cache.stats()).toMatchObject({ entries: 2, oldestAgeMs: 41, evictions: 0, invalidations: 0 });
  });

  it("deletes what a condition holds for, and counts what was asked to go", () => {
    const removed: string[] = [];
    const cache = createCache<string, number>({ maxEntries: 3, onRemoved: (key, value) => removed.push(key + value) });
    for (const [index, key] of ["old", "a1", "a2", "b1"].entries()) cache.set(key, index);
    expect(cache.deleteWhere((key) => key.startsWith("a"))).toBe(2);
    expect(cache.stats()).toMatchObject({ entries: 1, evictions: 1, invalidations: 2 });
    cache.set("b1", 9);
    cache.clear();
    expect(cache.stats()).toMatchObject({ entries: 0, evictions: 1, invalidations: 3, oldestAgeMs: 0 });
    expect(removed.sort()).toEqual(["a11", "a22", "b13", "b19", "old0"]);
  });

  it("behaves like a list in order of use, whatever is done to it", () => {
    const key = fc.integer({ min: 0, max: 5 });
    const command = fc.oneof(
      fc.record({ do: fc.constant("set" as const), key, value: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ do: fc.constantFrom("get" as const, "delete" as const), key, value: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(command, { maxLength: 40 }), (maxEntries, commands) => {
        const cache = createCache<number, number>({ maxEntries });
        let model: [key: number, value: number][] = [];
        for (const each of commands) {
          const found = model.find(([known]) => known === each.key);
          const others = model.filter((entry) => entry !== found);
          if (each.do === "set") {
            cache.set(each.key, each.value);
            model = [...others, [each.key, each.value] as [number, number]].slice(-maxEntries);
          } else if (each.do === "delete") {
            cache.delete(each.key);
            model = others;
          } else {
            expect(cache.get(each.key)).toBe(found?.[1]);
            model = found ? [...others, found] : others;
          }
          expect(cache.stats().entries).toBe(model.length);
        }
      }),
    );
  });
});

describe("getOrLoad", () => {
  it("loads once for all who ask meanwhile, and keeps the value", async () => {
    const cache = createCache<string, string>({ maxEntries: 9 });
    const { promise, resolve } = Promise.withResolvers<string>();
    const load = jest.fn((_signal: AbortSignal) => promise);
    const asked = [1, 2, 3].map(() => cache.getOrLoad("a", load));
    expect(cache.stats()).toMatchObject({ misses: 1, coalesced: 2, loading: 1 });
    resolve("value");
    expect(await Promise.all(asked)).toEqual(["value", "value", "value"]);
    expect(await cache.getOrLoad("a", load)).toBe("value");
    expect(load).toHaveBeenCalledTimes(1);
    expect(load.mock.calls[0]![0].aborted).toBe(false);
    expect(cache.stats()).toMatchObject({ hits: 1, entries: 1, loading: 0 });
  });

  it("tells a failure to all who wait, and does not keep it", async () => {
    const cache = createCache<string, string>({ maxEntries: 9 });
    const load = jest.fn(() => Promise.reject<string>(new Error("down")));
    const asked = [cache.getOrLoad("a", load), cache.getOrLoad("a", load)];
    expect((await Promise.allSettled(asked)).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(load).toHaveBeenCalledTimes(1);
    await expect(cache.getOrLoad("a", async () => "up")).resolves.toBe("up");
  });

  it("turns a load that throws at once into a rejection", async () => {
    const cache = createCache<string, string>({ maxEntries: 9 });
    const load = () => {
      throw new TypeError("broken");
    };
    await expect(cache.getOrLoad("a", load)).rejects.toThrow("broken");
    expect(cache.stats().loading).toBe(0);
  });

  it("lets one caller leave without ending the load of the others", async () => {
    const cache = createCache<string, string>({ maxEntries: 9 });
    const { promise, resolve } = Promise.withResolvers<string>();
    let signal: AbortSignal | undefined;
    const load = (given: AbortSignal) => ((signal = given), promise);
    const first = new AbortController();
    const left = cache.getOrLoad("a", load, { signal: first.signal });
    const stays = cache.getOrLoad("a", load);
    first.abort(new Error("gone"));
    await expect(left).rejects.toThrow("gone");
    expect(signal?.aborted).toBe(false);
    resolve("value");
    expect(await stays).toBe("value");
  });

  it("aborts the load when all have left, and loads anew for who comes then", async () => {
    const cache = createCache<string, string>({ maxEntries: 9 });
    const signals: AbortSignal[] = [];
    const { promise, resolve } = Promise.withResolvers<string>();
    const load = (signal: AbortSignal) => (signals.push(signal), promise);
    const callers = [new AbortController(), new AbortController()];
    const left = callers.map(({ signal }) => cache.getOrLoad("a", load, { signal }));
    for (const caller of callers) caller.abort(new Error("gone"));
    await Promise.allSettled(left);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    const fresh = cache.getOrLoad("a", async () => "fresh");
    resolve("late");
    expect(await fresh).toBe("fresh");
    expect(cache.get("a")).toBe("fresh");
  });

  it("does not start for a caller that has left already", async () => {
    const cache = createCache<string, string>({ maxEntries: 9 });
    const load = jest.fn(async () => "value");
    await expect(cache.getOrLoad("a", load, { signal: AbortSignal.abort(new Error("gone")) })).rejects.toThrow("gone");
    expect(load).not.toHaveBeenCalled();
  });

  it.each(["delete", "deleteWhere", "clear", "set"] as const)(
    "does not let a load that is under way undo a %s",
    async (change) => {
      const cache = createCache<string, string>({ maxEntries: 9 });
      const { promise, resolve } = Promise.withResolvers<string>();
      const old = cache.getOrLoad("a", () => promise);
      if (change === "set") cache.set("a", "new");
      else if (change === "deleteWhere") cache.deleteWhere((key) => key === "a");
      else cache[change]("a");
      resolve("old");
      expect(await old).toBe("old");
      expect(cache.get("a")).toBe(change === "set" ? "new" : undefined);
    },
  );
});

describe("getOrLoadMany", () => {
  it("loads distinct missing keys in one call and answers in order", async () => {
    const cache = createCache<string, string>({ maxEntries: 9 });
    cache.set("b", "B");
    const load = jest.fn(async (keys: readonly string[]) => keys.map((key) => key.toUpperCase()));
    expect(await cache.getOrLoadMany(["a", "b", "a", "가"], load)).toEqual(["A", "B", "A", "가"]);
    expect(load.mock.calls.map(([keys]) => keys)).toEqual([["a", "가"]]);
    expect(await cache.getOrLoadMany(["가", "a"], load)).toEqual(["가", "A"]);
    expect(await cache.getOrLoadMany([], load)).toEqual([]);
    expect(load).toHaveBeenCalledTimes(1);
    expect(cache.stats()).toMatchObject({ hits: 3, misses: 2, coalesced: 0 });
  });

  it("serves a batch that is larger than the cache", async () => {
    const cache = createCache<number, number>({ maxEntries: 2 });
    const keys = Array.from({ length: 50 }, (_, index) => index);
    expect(await cache.getOrLoadMany(keys, async (missing) => missing.map((key) => key * 2))).toEqual(
      keys.map((key) => key * 2),
    );
    expect(cache.stats().entries).toBe(2);
  });

  it("refuses a loader that gives another number of values, and keeps none", async () => {
    const cache = createCache<string, string>({ maxEntries: 9 });
    await expect(cache.getOrLoadMany(["a", "b"], async () => ["A"])).rejects.toThrow("loaded 1 values for 2 keys");
    expect(cache.stats()).toMatchObject({ entries: 0, loading: 0 });
  });

  it("aborts only the loads that nobody waits for any more", async () => {
    const cache = createCache<string, string>({ maxEntries: 9 });
    const signals: AbortSignal[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const load = async (keys: readonly string[], signal: AbortSignal) => {
      signals.push(signal);
      await promise;
      return keys.map((key) => key.toUpperCase());
    };
    const leaving = new AbortController();
    const stays = cache.getOrLoadMany(["a", "b"], load);
    const left = cache.getOrLoadMany(["b", "c"], load, { signal: leaving.signal });
    await Promise.resolve();
    await Promise.resolve();
    leaving.abort(new Error("gone"));
    await expect(left).rejects.toThrow("gone");
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, true]);
    resolve();
    expect(await stays).toEqual(["A", "B"]);
    expect(cache.get("c")).toBeUndefined();
  });

  it("never has two loads of one key at a time, and always answers each caller rightly", async () => {
    const keys = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 5 });
    const caller = fc.record({ keys, leaves: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(caller, { maxLength: 8 }), fc.scheduler(), async (callers, scheduler) => {
        const cache = createCache<number, string>({ maxEntries: 3 });
        const loading = new Set<number>();
        const load = async (missing: readonly number[], signal: AbortSignal) => {
          for (const key of missing) {
            expect(loading.has(key)).toBe(false);
            loading.add(key);
          }
          const free = () => missing.forEach((key) => loading.delete(key));
          signal.addEventListener("abort", free, { once: true });
          await scheduler.schedule(Promise.resolve());
          if (!signal.aborted) free();
          return missing.map(String);
        };
        const done = callers.map(async (each) => {
          const controller = new AbortController();
          const answer = cache.getOrLoadMany(each.keys, load, { signal: controller.signal });
          if (each.leaves) void scheduler.schedule(Promise.resolve()).then(() => controller.abort(new Error("gone")));
          const [result] = await Promise.allSettled([answer]);
          if (result.status === "fulfilled") expect(result.value).toEqual(each.keys.map(String));
          else expect(each.leaves && String(result.reason)).toBe("Error: gone");
        });
        await scheduler.waitFor(Promise.all(done));
        expect(cache.stats().loading).toBe(0);
        expect(cache.stats().entries).toBeLessThanOrEqual(3);
      }),
      { numRuns: 300 },
    );
  });
});
