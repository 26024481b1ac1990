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

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

const folder = await mkdtemp(path.join(tmpdir(), "quartet-bench-"));
try {
  const rounds = Number(values.rounds);
  const measured = await measure({
    folder,
    passageCount: Number(values.passages),
    queryCount: Number(values.queries),
    rounds,
    sliceMs: (Number(values.seconds) * 1000) / rounds,
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
