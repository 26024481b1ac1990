/**
 * `npm run bench search`: hybrid search at 1, 20 and 50 in flight, standalone and as separate processes, beside a floor without hops.
 * What is measured, and why in this way: ../README.md.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { numberOf, outputOptions, tell } from "./command.ts";
import { measure } from "./measure.ts";
import { toReport, toTable } from "./report.ts";

const { values } = parseArgs({
  options: {
    passages: { type: "string", default: "5000" },
    queries: { type: "string", default: "2000" },
    /** Each cell of the table, all rounds together. */
    seconds: { type: "string", default: "4.5" },
    rounds: { type: "string", default: "3" },
    /** Each subject, before the first round. */
    "warm-up": { type: "string", default: "5" },
    ...outputOptions,
  },
});

const rounds = numberOf("rounds", values.rounds);
const plan = {
  passageCount: numberOf("passages", values.passages),
  queryCount: numberOf("queries", values.queries),
  rounds,
  sliceMs: (numberOf("seconds", values.seconds, { whole: false }) * 1000) / rounds,
  warmUpMs: numberOf("warm-up", values["warm-up"], { whole: false }) * 1000,
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
  await tell({ text: toTable(report), figures: report, met: report.targets.every(({ met }) => met) }, values);
} finally {
  await rm(folder, { recursive: true, force: true });
}
