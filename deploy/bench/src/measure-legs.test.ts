import { describe, expect, it } from "@jest/globals";
import { measureLegs } from "./measure-legs.ts";

describe("legs at once", () => {
  it("take the time of the slowest, and one after the other that of all", async () => {
    const cells = await measureLegs({ legCounts: [2, 4, 8], rounds: 6 });
    for (const { legCount, parallelMs, sequentialMs, slowestMs, withinShare } of cells) {
      // The machine may be busy in most rounds, never in all: the fan-out itself adds no such time.
      expect(withinShare).toBeGreaterThan(0);
      expect(slowestMs).toBeGreaterThan(20 + 3 * (legCount - 1) - 2);
      expect(sequentialMs).toBeGreaterThan(parallelMs * (legCount / 2) * 0.7);
    }
  }, 60_000);
});
