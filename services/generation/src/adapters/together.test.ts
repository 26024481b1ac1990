import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "@jest/globals";
import { together } from "./together.ts";

const gather = async <T>(batches: AsyncIterable<readonly T[]>) => {
  const seen: (readonly T[])[] = [];
  for await (const batch of batches) seen.push(batch);
  return seen;
};

const restless = { restMs: () => 0 };

describe("together", () => {
  it("gives what comes at once as one, and what comes later later", async () => {
    async function* source() {
      yield* [1, 2, 3];
      await setImmediate();
      await setImmediate();
      yield* [4, 5];
    }
    expect(await gather(together(source(), restless))).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
    expect(await gather(together((async function* () {})(), restless))).toEqual([]);
  });

  it("gives what comes first by itself, whatever comes with it", async () => {
    async function* source() {
      yield* [1, 2, 3];
    }
    let hasBegun = false;
    const batches = together(source(), { restMs: () => (hasBegun ? 0 : undefined) });
    expect((await batches.next()).value).toEqual([1]);
    hasBegun = true;
    expect(await gather(batches)).toEqual([[2, 3]]);
  });

  it("gives what came before a failure first", async () => {
    async function* source() {
      yield* [1, 2];
      throw new Error("broken");
    }
    const batches = together(source(), restless);
    expect(await batches.next()).toEqual({ done: false, value: [1, 2] });
    await expect(batches.next()).rejects.toThrow("broken");
  });

  it("reads no further ahead than it may, and lets its source go when it is left", async () => {
    let made = 0;
    let left = false;
    async function* source() {
      try {
        for (;;) yield (made += 1);
      } finally {
        left = true;
      }
    }
    const batches = together(source(), restless);
    expect((await batches.next()).value).toHaveLength(64);
    for (let turn = 0; turn < 10; turn += 1) await setImmediate();
    expect(made).toBeLessThanOrEqual(2 * 64 + 1);
    await batches.return();
    expect(left).toBe(true);
  });

  it("gathers while the stream rests, and goes on at once when nothing more comes", async () => {
    const end = Promise.withResolvers<void>();
    async function* source() {
      for (let number = 1; number <= 5; number += 1) {
        yield number;
        for (let turn = 0; turn < 3; turn += 1) await setImmediate();
      }
      await end.promise;
    }
    // What rests, rests for as long as this test runs.
    let restMs = 0;
    const batches = together(source(), { restMs: () => restMs });
    expect((await batches.next()).value).toEqual([1]);
    restMs = 3_600_000;
    const next = batches.next();
    for (let turn = 0; turn < 30; turn += 1) await setImmediate();
    end.resolve();
    expect((await next).value).toEqual([2, 3, 4, 5]);
    expect((await batches.next()).done).toBe(true);
  });

  it("rests no longer than it has room for", async () => {
    async function* source() {
      for (let number = 1; ; number += 1) {
        yield number;
        await setImmediate();
      }
    }
    const batches = together(source(), { restMs: () => 3_600_000 });
    expect((await batches.next()).value).toHaveLength(64);
    await batches.return();
  });

  it("rests no longer when its source fails", async () => {
    async function* source() {
      yield 1;
      await setImmediate();
      await setImmediate();
      throw new Error("broken");
    }
    const batches = together(source(), { restMs: () => 3_600_000 });
    expect((await batches.next()).value).toEqual([1]);
    await expect(batches.next()).rejects.toThrow("broken");
  });
});
