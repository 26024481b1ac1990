import { describe, expect, it } from "@jest/globals";
import { type Progress, warmAll } from "./warming.ts";

const signal = new AbortController().signal;
const all = async (progress: AsyncIterable<Progress>) => {
  const told: Progress[] = [];
  for await (const each of progress) told.push(each);
  return told;
};

describe("warming", () => {
  it("does each once, a few at once, and counts what failed", async () => {
    const warmed: number[] = [];
    let running = 0;
    let most = 0;
    const warm = async (item: number) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, item % 3));
      running--;
      warmed.push(item);
      if (item % 10 === 0) throw new Error("no");
    };
    const items = Array.from({ length: 40 }, (_, index) => index);
    const told = await all(warmAll({ items, warm, concurrency: () => 4, signal }));
    expect(warmed.sort((one, other) => one - other)).toEqual(items);
    expect(most).toBe(4);
    expect(told[0]).toEqual({ doneCount: 0, failedCount: 0, totalCount: 40 });
    expect(told.at(-1)).toEqual({ doneCount: 40, failedCount: 4, totalCount: 40 });
    const counts = told.map(({ doneCount }) => doneCount);
    expect(counts).toEqual([...new Set(counts)].sort((one, other) => one - other));
  });

  it("tells the end also where the last ended while its caller was at something else", async () => {
    const ends = [1, 2, 3].map(() => Promise.withResolvers<void>());
    const warm = (item: number) => ends[item]!.promise;
    const told = warmAll({ items: [0, 1, 2], warm, concurrency: () => 3, signal });
    expect((await told.next()).value).toMatchObject({ doneCount: 0 });
    ends[0]!.resolve();
    expect((await told.next()).value).toMatchObject({ doneCount: 1 });
    ends[1]!.resolve();
    ends[2]!.reject(new Error("no"));
    await new Promise((resolve) => setImmediate(resolve));
    expect((await told.next()).value).toEqual({ doneCount: 3, failedCount: 1, totalCount: 3 });
    expect((await told.next()).done).toBe(true);
  });

  it("gives way while others are served", async () => {
    let running = 0;
    let most = 0;
    const warm = async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
    };
    await all(warmAll({ items: [1, 2, 3, 4], warm, concurrency: () => 0, signal }));
    expect(most).toBe(1);
  });

  it("tells of nothing to do", async () => {
    const told = await all(warmAll({ items: [], warm: async () => {}, concurrency: () => 4, signal }));
    expect(told).toEqual([{ doneCount: 0, failedCount: 0, totalCount: 0 }]);
  });

  it("ends with its caller, and what is under way with it", async () => {
    const caller = new AbortController();
    const ends: string[] = [];
    const begun: number[] = [];
    const warm = (item: number, ended: AbortSignal) => {
      begun.push(item);
      return new Promise((_, reject) => {
        ended.addEventListener("abort", () => {
          ends.push(String(item));
          reject(ended.reason as Error);
        });
      });
    };
    const items = [1, 2, 3, 4];
    const aborted = all(warmAll({ items, warm, concurrency: () => 2, signal: caller.signal }));
    await new Promise((resolve) => setImmediate(resolve));
    caller.abort(new Error("gone"));
    await expect(aborted).rejects.toThrow("gone");
    const left = warmAll({ items, warm, concurrency: () => 2, signal });
    await left.next();
    const waiting = left.next();
    await new Promise((resolve) => setImmediate(resolve));
    void waiting.catch(() => {});
    expect(begun).toEqual([1, 2, 1, 2]);
    expect(ends).toEqual(["1", "2"]);
  });
});
