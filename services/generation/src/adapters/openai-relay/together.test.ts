import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "@jest/globals";
import { together } from "./together.ts";

const gather = async <T>(batches: AsyncIterable<readonly T[]>) => {
  const seen: (readonly T[])[] = [];
  for await (const batch of batches) seen.push(batch);
  return seen;
};

describe("together", () => {
  it("gives what comes at once as one, and what comes later later", async () => {
    async function* source() {
      yield* [1, 2, 3];
      await setImmediate();
      await setImmediate();
      yield* [4, 5];
    }
    expect(await gather(together(source()))).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
    expect(await gather(together((async function* () {})()))).toEqual([]);
  });

  it("gives what came before a failure first", async () => {
    async function* source() {
      yield* [1, 2];
      throw new Error("broken");
    }
    const batches = together(source());
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
    const batches = together(source());
    expect((await batches.next()).value).toHaveLength(64);
    for (let turn = 0; turn < 10; turn += 1) await setImmediate();
    expect(made).toBeLessThanOrEqual(2 * 64 + 1);
    await batches.return();
    expect(left).toBe(true);
  });
});
