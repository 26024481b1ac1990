import { describe, expect, it } from "@jest/globals";
import { load, median, quantile } from "./load.ts";

describe("load", () => {
  it("keeps as many in flight as asked, and counts failures apart", async () => {
    let inFlight = 0;
    let most = 0;
    const send = async (index: number) => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      await new Promise((resolve) => setTimeout(resolve, 1));
      inFlight -= 1;
      if (index % 2 === 1) throw new Error("refused");
    };
    const { count, errors, queriesPerSecond, p50Ms } = await load({
      send,
      inFlight: 4,
      durationMs: 40,
      cpuMs: () => 0,
    });
    expect(most).toBe(4);
    expect(count).toBeGreaterThan(0);
    expect(errors).toBeGreaterThan(0);
    expect(queriesPerSecond).toBeGreaterThan(0);
    expect(p50Ms).toBeGreaterThan(0);
  });

  it("gives each request the CPU time of the measured part, not of the warm-up", async () => {
    let clock = 1_000;
    const send = async () => {
      clock += 3;
      await new Promise((resolve) => setImmediate(resolve));
    };
    const { cpuMsPerRequest } = await load({ send, inFlight: 2, durationMs: 20, cpuMs: () => clock });
    expect(cpuMsPerRequest).toBeCloseTo(3);
  });
});

describe("quantile and median", () => {
  it("take the nearest rank, and the mean of the two in the middle", () => {
    const sorted = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    expect([0.5, 0.95, 1].map((share) => quantile(sorted, share))).toEqual([5, 10, 10]);
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeNaN();
  });
});
