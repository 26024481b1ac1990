/**
 * `npm run bench search`: hybrid search at 1, 20 and 50 in flight, standalone and as separate processes, beside a floor without hops.
 * What is measured, and why in this way: ../README.md.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { measure } from "./measure.ts";
import { toReport, toTable } from "./report.ts";

const { values } = parseArgs({
  options: {
    passages: { type: "string", default: "5000" },
    queries: { type: "string", default: "2000" },
    /** Each cell of the table, all rounds together. */
    seconds: { type: "string", default: "4.5" },
    rounds: { type: "string", default: "3" },
    /** A file, or - for standard output. */
    json: { type: "string" },
    /** Exit code 1 where a target is missed. */
    check: { type: "boolean", default: false },
  },
});

/** The number of an option, or the end with a line that says what is wrong. */
function positive(option: "passages" | "queries" | "seconds" | "rounds"): number {
  const number = Number(values[option]);
  const whole = option === "seconds" || Number.isInteger(number);
  if (number > 0 && Number.isFinite(number) && whole) return number;
  process.stderr.write(`--${option} takes a ${option === "seconds" ? "number" : "whole number"} above 0.\n`);
  process.exit(2);
}

const rounds = positive("rounds");
const plan = {
  passageCount: positive("passages"),
  queryCount: positive("queries"),
  rounds,
  sliceMs: (positive("seconds") * 1000) / rounds,
};
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

const folder = await mkdtemp(path.join(tmpdir(), "quartet-bench-"));
try {
  const measured = await measure({
    folder,
    ...plan,
    signal: stop.signal,
    progress: (line) => process.stderr.write(`${line}\n`),
  });
  const report = toReport(measured);
  const json = `${JSON.stringify(report, null, 2)}\n`;
  (values.json === "-" ? process.stderr : process.stdout).write(`${toTable(report)}\n`);
  if (values.json === "-") process.stdout.write(json);
  else if (values.json !== undefined) await writeFile(values.json, json);
  if (values.check && report.targets.some(({ met }) => !met)) process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
