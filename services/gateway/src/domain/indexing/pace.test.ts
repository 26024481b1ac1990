import { Code } from "@connectrpc/connect";
import { quartetError } from "@quartet/errors";
import { describe, expect, it } from "@jest/globals";
import { createPace } from "./pace.ts";

const outOfTime = quartetError({ code: Code.DeadlineExceeded, reason: "OUT_OF_TIME", message: "too late" });

function setUp() {
  let now = 0;
  const pace = createPace({ max: 64, shortMs: 1_000, now: () => now });
  const batch = (tookMs: number, count = pace.size()) =>
    pace.run(count, async () => {
      now += tookMs;
    });
  return { pace, batch };
}

describe("the pace of embedding", () => {
  it("begins small, and grows while batches are done soon", async () => {
    const { pace, batch } = setUp();
    const sizes = [];
    for (let turn = 0; turn < 5; turn++) {
      sizes.push(pace.size());
      await batch(100);
    }
    expect(sizes).toEqual([8, 16, 32, 64, 64]);
  });

  it("learns nothing of more texts from fewer", async () => {
    const { pace, batch } = setUp();
    await batch(1, 3);
    expect(pace.size()).toBe(8);
  });

  it("stays where a batch takes its time, and shrinks where it takes long or too long", async () => {
    const { pace, batch } = setUp();
    await batch(2_000);
    expect(pace.size()).toBe(8);
    await batch(5_000);
    expect(pace.size()).toBe(4);
    await expect(pace.run(4, () => Promise.reject(outOfTime))).rejects.toBe(outOfTime);
    await expect(pace.run(2, () => Promise.reject(outOfTime))).rejects.toBe(outOfTime);
    await expect(pace.run(1, () => Promise.reject(outOfTime))).rejects.toBe(outOfTime);
    expect(pace.size()).toBe(1);
    await batch(100);
    expect(pace.size()).toBe(2);
  });

  it("is not changed by other failures", async () => {
    const { pace } = setUp();
    await expect(pace.run(8, () => Promise.reject(new Error("down")))).rejects.toThrow("down");
    expect(pace.size()).toBe(8);
  });
});
