import { describe, expect, it } from "@jest/globals";
import { createSectionStatistics } from "./statistics.ts";

describe("statistics of sections", () => {
  it("add up time and length by name", () => {
    const statistics = createSectionStatistics({ known: [] });
    statistics.add({ name: "summary", characters: 100, elapsedMs: 500 });
    statistics.add({ name: "risks", characters: 7, elapsedMs: 100 });
    statistics.add({ name: "summary", characters: 50, elapsedMs: 1_000 });
    expect(statistics.sums()).toEqual([
      { name: "summary", count: 2, seconds: 1.5, characters: 150 },
      { name: "risks", count: 1, seconds: 0.1, characters: 7 },
    ]);
  });

  it("hold so many names and no more, those known from the start among them", () => {
    const statistics = createSectionStatistics({ known: ["summary"], maxNames: 3 });
    for (const name of ["a", "b", "c", "d", "summary", "a"]) statistics.add({ name, characters: 1, elapsedMs: 0 });
    const counts = Object.fromEntries(statistics.sums().map(({ name, count }) => [name, count]));
    expect(counts).toEqual({ a: 2, b: 1, other: 2, summary: 1 });
  });
});
