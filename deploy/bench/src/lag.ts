/**
 * `npm run bench lag`: how late event loops are while 10,000 passages are indexed and questions answered, standalone and as separate processes.
 * What is measured, and why in this way: ../README.md.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { type LagRow, type LagWork, measureLag, targetP99Ms } from "./measure-lag.ts";

const { values } = parseArgs({
  options: {
    passages: { type: "string", default: "10000" },
    /** Questions at any time. */
    "in-flight": { type: "string", default: "2" },
    /** A file, or - for standard output. */
    json: { type: "string" },
    /** Exit code 1 where the target is missed. */
    check: { type: "boolean", default: false },
  },
});

const counts = { passages: Number(values.passages), "in-flight": Number(values["in-flight"]) };
for (const [option, count] of Object.entries(counts)) {
  if (Number.isInteger(count) && count > 0) continue;
  process.stderr.write(`--${option} takes a whole number above 0.\n`);
  process.exit(2);
}

const ms = (value: number) => value.toFixed(1);
const rowColumns: readonly (readonly [title: string, value: (row: LagRow) => string])[] = [
  ["subject", ({ subject }) => subject],
  ["process", ({ process }) => process],
  ["p50 ms", ({ lag }) => ms(lag.p50Ms)],
  ["p99 ms", ({ lag }) => ms(lag.p99Ms)],
  ["max ms", ({ lag }) => ms(lag.maxMs)],
  ["own p99 ms", ({ lag }) => ms(lag.ownP99Ms)],
  ["own max ms", ({ lag }) => ms(lag.ownMaxMs)],
  ["while", ({ phase }) => phase],
];
const workColumns: readonly (readonly [title: string, value: (work: LagWork) => string])[] = [
  ["subject", ({ subject }) => subject],
  ["passages/s", ({ passagesPerSecond }) => passagesPerSecond.toFixed(0)],
  ["answers", ({ answers }) => String(answers)],
  ["p50 ms", ({ answerP50Ms }) => ms(answerP50Ms)],
  ["p95 ms", ({ answerP95Ms }) => ms(answerP95Ms)],
  ["errors", ({ errors }) => String(errors)],
];

function table<Row>(columns: readonly (readonly [title: string, value: (row: Row) => string])[], rows: readonly Row[]) {
  const lines = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, value]) => value(row)))];
  return lines.map((line) => line.map((text) => text.padStart(13)).join("")).join("\n");
}

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
  const machine = { cores: availableParallelism(), node: process.version, load: loadavg()[0] };
  const met = rows.every(({ lag, process }) => process === "idle" || lag.p99Ms <= targetP99Ms);
  const note = `own: the part of the lag in which the thread itself computed; idle: a process that does nothing, beside the others. Wanted: p99 <= ${targetP99Ms} ms, ${met ? "met" : "missed"}.`;
  const text = `${table(rowColumns, rows)}\n\n${table(workColumns, work)}\n\n${note}\n`;
  (values.json === "-" ? process.stderr : process.stdout).write(text);
  const json = `${JSON.stringify({ machine, counts, rows, work, met }, null, 2)}\n`;
  if (values.json === "-") process.stdout.write(json);
  else if (values.json !== undefined) await writeFile(values.json, json);
  if (values.check && !met) process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
