import { describe, expect, it } from "@jest/globals";
import { measureSections, sectionNames } from "./measure-sections.ts";
import { measureWholeAnswer } from "./measure-whole-answer.ts";

describe("three sections", () => {
  it("take the time of one at once, that of all one after the other, and all arrive with one key for one call at a time", async () => {
    const { togetherMs, inTurnMs, ratio, limited } = await measureSections({ rounds: 2 });
    expect(togetherMs).toBeGreaterThan(590);
    expect(inTurnMs).toBeGreaterThan(1_780);
    // 34 % on a quiet machine, 100 % if they waited for each other.
    expect(ratio).toBeLessThan(0.75);
    expect([...limited.arrived].sort()).toEqual([...sectionNames].sort());
    expect(limited.said).toEqual(["SECTIONS_SERIALIZED"]);
  }, 60_000);

  it("of an answer from four sources take the time of the slowest source and one section", async () => {
    const { parallelMs, sequentialMs, ratio } = await measureWholeAnswer({ rounds: 2 });
    expect(parallelMs).toBeGreaterThan(890);
    expect(sequentialMs).toBeGreaterThan(2_630);
    // 35 % on a quiet machine.
    expect(ratio).toBeLessThan(0.75);
  }, 60_000);
});
