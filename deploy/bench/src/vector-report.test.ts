import { describe, expect, it } from "@jest/globals";
import { toVectorCsv, toVectorSvg, toVectorTables } from "./vector-report.ts";

const cell = { vectorCount: 10_000, scenario: "filter 1 %", p95Ms: 20, ratioToExact: 0.5, found: 1, recall: 0.98 };
const measures = {
  server: "PostgreSQL 18 <test>",
  cells: [
    { ...cell, way: "exact" as const, p50Ms: 10.04 },
    { ...cell, way: "indexed" as const, p50Ms: 0.5 },
  ],
  builds: [
    { vectorCount: 10_000, putsPerSecond: 1_500, tendMs: 6_040, tableMiB: 9, indexMiB: 10, buildMemoryMiB: 512 },
  ],
};

describe("what the benchmark of vectors tells", () => {
  it("is a table of searches and one of builds", () => {
    const table = toVectorTables(measures);
    expect(table).toMatch(/10000 +filter 1 % +indexed +0\.5 +20\.0 +0\.50 +1\.000 +0\.980/);
    expect(table).toMatch(/10000 +1500 +6\.0 +9 +10 +<= 512/);
  });

  it("is a line a search, for other tools", () => {
    expect(toVectorCsv(measures).split("\n")[1]).toBe('10000,"filter 1 %",exact,10.0400,20.0000,0.5000,1.0000,0.9800');
  });

  it("is a plot with a bar a search, and no markup of others", () => {
    const svg = toVectorSvg(measures);
    expect(svg.match(/height="11"/g)).toHaveLength(2);
    expect(svg).toContain("PostgreSQL 18 &lt;test>");
    expect(svg).toContain("10,000: filter 1 %");
    expect(svg).not.toMatch(/NaN|undefined/);
  });
});
