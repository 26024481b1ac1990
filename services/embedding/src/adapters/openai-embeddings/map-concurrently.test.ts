import { describe, expect, it } from "@jest/globals";
import { mapConcurrently } from "./map-concurrently.ts";

describe("mapConcurrently", () => {
  const { signal } = new AbortController();

  it("gives results in order, however they come, and no more at once than told", async () => {
    let [running, most] = [0, 0];
    const results = await mapConcurrently([3, 1, 2], { atOnce: 2, signal }, async (turns) => {
      most = Math.max(most, (running += 1));
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      running -= 1;
      return turns * 10;
    });
    expect(results).toEqual([30, 10, 20]);
    expect(most).toBe(2);
  });

  it("aborts the others on the first failure, begins no more, and throws it", async () => {
    const failure = new Error("first");
    const begun: number[] = [];
    const aborted: number[] = [];
    const done = mapConcurrently([0, 1, 2], { atOnce: 2, signal }, (item, own) => {
      begun.push(item);
      if (item === 1) return Promise.reject(failure);
      return new Promise((_, reject) => {
        own.addEventListener("abort", () => {
          aborted.push(item);
          reject(own.reason as Error);
        });
      });
    });
    await expect(done).rejects.toBe(failure);
    expect([begun, aborted]).toEqual([[0, 1], [0]]);
  });

  it("throws the signal's reason when it is aborted", async () => {
    const reason = new Error("left");
    await expect(
      mapConcurrently([1], { atOnce: 1, signal: AbortSignal.abort(reason) }, () => Promise.resolve()),
    ).rejects.toBe(reason);
    expect(
      await mapConcurrently([], { atOnce: 1, signal: AbortSignal.abort(reason) }, () => Promise.resolve()),
    ).toEqual([]);
  });
});
