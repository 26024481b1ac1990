import { describe, expect, it } from "@jest/globals";
import type { LoadResult } from "./load.ts";
import { levels, type Measured } from "./measure.ts";
import { toReport, toTable } from "./report.ts";

const result = (queriesPerSecond: number, errors = 0): LoadResult => ({
  queriesPerSecond,
  p50Ms: 1000 / queriesPerSecond,
  p95Ms: 2000 / queriesPerSecond,
  cpuMsPerRequest: 1,
  count: queriesPerSecond,
  errors,
});

const indexing = { passagesPerSecond: 500, emptyBytes: 2 ** 20, filledBytes: 2 ** 21 };

/** Rounds in which the machine is twice as fast as in others: ratios within a round stay. */
const measured = (errors = 0): Measured => ({
  passageCount: 5000,
  slices: [100, 200, 400].flatMap((speed) =>
    levels.map((inFlight) => ({
      inFlight,
      results: {
        function: result(speed * 2),
        floor: result(speed),
        standalone: result(speed * 0.75),
        services: result(speed * (inFlight === 20 ? 0.25 : 0.5), errors),
      },
    })),
  ),
  indexing: { floor: indexing, standalone: indexing, services: indexing },
  storeBytesPer1000Passages: 2 ** 20,
  answerBytes: { floor: 1, standalone: 1, services: 1 },
  cacheHitShare: 1,
  agreement: { same: 50, compared: 50 },
  restartMs: 1500,
});

describe("toReport", () => {
  it("compares within rounds, and holds the worst level against the target", () => {
    const { cells, targets } = toReport(measured());
    const standalone = cells.find(({ subject, inFlight }) => subject === "standalone" && inFlight === 50)!;
    expect(standalone).toMatchObject({ queriesPerSecond: 150, ratioToFloor: 0.75, ratioToFunction: 0.375, errors: 0 });
    expect(standalone.overheadMs).toBeCloseTo(1000 / 150 - 1000 / 200);
    expect(targets).toMatchObject([
      { subject: "standalone", ratio: 0.75, met: true },
      { subject: "services", ratio: 0.25, met: false },
    ]);
  });

  it("meets no target with requests that failed", () => {
    const { targets } = toReport(measured(1));
    expect(targets.map(({ met }) => met)).toEqual([true, false]);
  });
});

describe("toTable", () => {
  it("has a line for each subject at each level, and says what is missed", () => {
    const table = toTable(toReport(measured()));
    expect(table.split("\n").filter((line) => /^ +(1|20|50) /.test(line))).toHaveLength(12);
    expect(table).toContain("services: 0.25 of the floor at the worst level; MISSES 0.3 (aim 0.4)");
    expect(table).toContain("first answer after 1.50 s");
  });
});
