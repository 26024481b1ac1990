import { availableParallelism, cpus, loadavg } from "node:os";
import { type LoadResult, median } from "./load.ts";
import { levels, type Measured } from "./measure.ts";

type Figures = Omit<LoadResult, "count" | "errors">;

/** One subject at one level: medians over the rounds. */
export interface Cell extends Figures {
  readonly subject: string;
  readonly inFlight: number;
  readonly errors: number;
  /** Median time over the floor's. */
  readonly overheadMs: number;
  /** Queries a second over the floor's, and over the function's; the median of each round's own ratio. */
  readonly ratioToFloor: number;
  readonly ratioToFunction: number;
}

export interface Target {
  readonly subject: string;
  readonly least: number;
  readonly aim: number;
  /** The least ratio to the floor of all levels. */
  readonly ratio: number;
  readonly met: boolean;
}

export interface SearchReport extends Omit<Measured, "slices"> {
  readonly machine: { readonly cores: number; readonly model: string; readonly node: string; readonly load: number };
  readonly cells: readonly Cell[];
  readonly targets: readonly Target[];
}

const goals = [
  { subject: "standalone", least: 0.6, aim: 0.8 },
  { subject: "services", least: 0.3, aim: 0.4 },
];

export function toReport({ slices, ...measured }: Measured): SearchReport {
  const names = Object.keys(slices[0]?.results ?? {});
  const cells = levels.flatMap((inFlight) => names.map((subject) => toCell(subject, inFlight, slices)));
  const targets = goals.map(({ subject, least, aim }) => {
    const own = cells.filter((cell) => cell.subject === subject);
    const ratio = Math.min(...own.map(({ ratioToFloor }) => ratioToFloor));
    return { subject, least, aim, ratio, met: ratio >= least && own.every(({ errors }) => errors === 0) };
  });
  const machine = {
    cores: availableParallelism(),
    model: cpus()[0]?.model ?? "unknown",
    node: process.version,
    load: loadavg()[0] ?? Number.NaN,
  };
  return { machine, ...measured, cells, targets };
}

function toCell(subject: string, inFlight: number, slices: Measured["slices"]): Cell {
  const rounds = slices.filter((slice) => slice.inFlight === inFlight).map(({ results }) => results);
  const middle = (figure: (results: Readonly<Record<string, LoadResult>>) => number) => median(rounds.map(figure));
  const of = (name: string, key: keyof Figures) => middle((results) => results[name]![key]);
  const ratioTo = (other: string) =>
    middle((results) => results[subject]!.queriesPerSecond / results[other]!.queriesPerSecond);
  return {
    subject,
    inFlight,
    queriesPerSecond: of(subject, "queriesPerSecond"),
    p50Ms: of(subject, "p50Ms"),
    p95Ms: of(subject, "p95Ms"),
    cpuMsPerRequest: of(subject, "cpuMsPerRequest"),
    errors: rounds.reduce((sum, results) => sum + results[subject]!.errors, 0),
    overheadMs: middle((results) => results[subject]!.p50Ms - results["floor"]!.p50Ms),
    ratioToFloor: ratioTo("floor"),
    ratioToFunction: ratioTo("function"),
  };
}

const columns: readonly (readonly [title: string, width: number, value: (cell: Cell) => string])[] = [
  ["in flight", 10, ({ inFlight }) => String(inFlight)],
  ["subject", 12, ({ subject }) => subject],
  ["QPS", 8, ({ queriesPerSecond }) => queriesPerSecond.toFixed(0)],
  ["p50 ms", 8, ({ p50Ms }) => p50Ms.toFixed(2)],
  ["p95 ms", 8, ({ p95Ms }) => p95Ms.toFixed(2)],
  ["CPU ms", 8, ({ cpuMsPerRequest }) => cpuMsPerRequest.toFixed(3)],
  ["overhead", 9, ({ overheadMs }) => overheadMs.toFixed(2)],
  ["/ floor", 8, ({ ratioToFloor }) => ratioToFloor.toFixed(2)],
  ["/ function", 11, ({ ratioToFunction }) => ratioToFunction.toFixed(2)],
  ["errors", 7, ({ errors }) => String(errors)],
];

/** The report as people read it. */
export function toTable(report: SearchReport): string {
  const row = (cells: readonly string[]) => cells.map((text, index) => text.padStart(columns[index]![1])).join(" ");
  const mib = (bytes: number) => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
  const { machine, agreement, cells, indexing, targets } = report;
  return [
    `${report.passageCount} passages; ${machine.cores} cores, ${machine.model}; Node ${machine.node}; load of the machine ${machine.load.toFixed(1)}`,
    row(columns.map(([title]) => title)),
    ...cells.map((cell) => row(columns.map(([, , value]) => value(cell)))),
    ...Object.entries(indexing).map(
      ([name, { passagesPerSecond, emptyBytes, filledBytes }]) =>
        `indexing, ${name}: ${passagesPerSecond.toFixed(0)} passages/s; resident ${mib(emptyBytes)} empty, ${mib(filledBytes)} filled`,
    ),
    `memory: ${mib(report.storeBytesPer1000Passages)} held for each 1,000 passages`,
    `standalone again on its folder: first answer after ${(report.restartMs / 1000).toFixed(2)} s`,
    `embedding cache: ${(report.cacheHitShare * 100).toFixed(0)} % hits; same ranking by all: ${agreement.same} of ${agreement.compared} queries`,
    ...targets.map(
      ({ subject, ratio, least, aim, met }) =>
        `${subject}: ${ratio.toFixed(2)} of the floor at the worst level; ${met ? "meets" : "MISSES"} ${least} (aim ${aim})`,
    ),
  ].join("\n");
}
