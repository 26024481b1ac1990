/**
 * `npm run bench lag`: how late event loops are while 10,000 passages are indexed and questions answered, standalone and as separate processes.
 * What is measured, and why in this way: ../README.md.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { type Columns, numberOf, outputOptions, tell, toTable } from "./command.ts";
import { type LagRow, type LagWork, measureLag, targetP99Ms } from "./measure-lag.ts";

const { values } = parseArgs({
  options: {
    passages: { type: "string", default: "10000" },
    /** Questions at any time. */
    "in-flight": { type: "string", default: "2" },
    ...outputOptions,
  },
});

const counts = {
  passages: numberOf("passages", values.passages),
  "in-flight": numberOf("in-flight", values["in-flight"]),
};

const ms = (value: number) => value.toFixed(1);
const rowColumns: Columns<LagRow> = [
  ["subject", ({ subject }) => subject],
  ["process", ({ process }) => process],
  ["p50 ms", ({ lag }) => ms(lag.p50Ms)],
  ["p99 ms", ({ lag }) => ms(lag.p99Ms)],
  ["max ms", ({ lag }) => ms(lag.maxMs)],
  ["own p99 ms", ({ lag }) => ms(lag.ownP99Ms)],
  ["own max ms", ({ lag }) => ms(lag.ownMaxMs)],
  ["while", ({ phase }) => phase],
];
const workColumns: Columns<LagWork> = [
  ["subject", ({ subject }) => subject],
  ["passages/s", ({ passagesPerSecond }) => passagesPerSecond.toFixed(0)],
  ["answers", ({ answers }) => String(answers)],
  ["p50 ms", ({ answerP50Ms }) => ms(answerP50Ms)],
  ["p95 ms", ({ answerP95Ms }) => ms(answerP95Ms)],
  ["errors", ({ errors }) => String(errors)],
];

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
const folder = await mkdtemp(path.join(tmpdir(), "quartet-bench-"));
try {
  const { rows, work } = await measureLag({
    folder,
    passageCount: counts.passages,
    inFlight: counts["in-flight"],
    signal: stop.signal,
    progress: (line) => process.stderr.write(`${line}\n`),
  });
  const met = rows.every(({ lag, process }) => process === "idle" || lag.p99Ms <= targetP99Ms);
  const note = `own: the part of the lag in which the thread itself computed; idle: a process that does nothing, beside the others. Wanted: p99 <= ${targetP99Ms} ms, ${met ? "met" : "missed"}.`;
  const text = `${toTable(rowColumns, rows, 13)}\n\n${toTable(workColumns, work, 13)}\n\n${note}`;
  await tell({ text, figures: { counts, rows, work, met }, met }, values);
} finally {
  await rm(folder, { recursive: true, force: true });
}
