import { describe, expect, it } from "@jest/globals";
import { type KeyPoolRound, keyPoolReport, type KeyPoolSlice } from "./measure-key-pool.ts";

const slice = (cpuMsPerRequest: number, more: Partial<KeyPoolSlice> = {}): KeyPoolSlice => ({
  ...{ queriesPerSecond: 1_000, p50Ms: 1, p95Ms: 2, count: 100, errors: 0, providerMsPerRequest: 0.1 },
  ...{ cpuMsPerRequest, ...more },
});
const mode = (proxy: number, standalone: number, services: number) => ({
  hop: slice(2 * proxy),
  direct: slice(0),
  proxy: slice(proxy),
  standalone: slice(standalone),
  services: slice(services),
});
const rounds: readonly KeyPoolRound[] = [
  { whole: mode(0.2, 0.5, 1), streamed: mode(0.4, 1, 2) },
  { whole: mode(0.4, 1.2, 1.1), streamed: mode(0.4, 1.6, 1) },
  { whole: mode(0.3, 0.6, 1.3), streamed: mode(0.4, 1.4, 1.5) },
];

describe("the report", () => {
  const { cells, targets } = keyPoolReport(rounds);

  it("takes ratios within a round, and the median of them", () => {
    const cell = cells.find(({ mode, subject }) => mode === "whole" && subject === "standalone")!;
    expect(cell.ratioToProxy).toBeCloseTo(2.5);
    expect(cell.cpuMsPerRequest).toBe(0.6);
    expect(cells).toHaveLength(10);
  });

  it("holds whole and streamed replies to the same targets", () => {
    expect(targets.map(({ mode, subject, met }) => [mode, subject, met])).toEqual([
      ["whole", "standalone", true],
      ["whole", "services", true],
      ["streamed", "standalone", false],
      ["streamed", "services", false],
    ]);
  });

  it("meets nothing with errors", () => {
    const failing = rounds.map((round) => ({
      ...round,
      whole: { ...round.whole, standalone: slice(0.1, { errors: 1 }) },
    }));
    expect(keyPoolReport(failing).targets[0]).toMatchObject({ subject: "standalone", met: false });
  });
});
