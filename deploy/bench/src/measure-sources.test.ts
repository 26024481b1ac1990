import { describe, expect, it } from "@jest/globals";
import { measureFaults, measureSources, sourceNames } from "./measure-sources.ts";

describe("four sources", () => {
  it("take the time of the slowest at once, and that of all one after the other", async () => {
    const { parallelMs, sequentialMs, ratio } = await measureSources({ rounds: 2 });
    expect(parallelMs).toBeGreaterThan(290);
    expect(sequentialMs).toBeGreaterThan(840);
    // 36 % on a quiet machine, 100 % if they waited for each other.
    expect(ratio).toBeLessThan(0.75);
  }, 60_000);

  it("leave the rest when any of them fails or hangs, and name it", async () => {
    for (const { source, fault, answered, named } of await measureFaults({ timeLimitMs: 2_000 })) {
      expect(named).toBe(`${source} ${fault === "fails" ? "UPSTREAM_FAILED" : "OUT_OF_TIME"}`);
      expect(answered).toEqual(sourceNames.filter((name) => name !== source));
    }
  }, 60_000);
});
