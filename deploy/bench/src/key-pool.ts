/**
 * `npm run bench key-pool`: chats of 1 KB passed on to a model provider, 50 in flight, whole and streamed: through standalone and through gateway and
 * generation as processes of their own, beside a bare proxy and a direct call. Why in this way: ../README.md.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { type KeyPoolCell, keyPoolReport, measureKeyPool } from "./measure-key-pool.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    /** Each subject and mode, all rounds together. */
    seconds: { type: "string", default: "10" },
    "in-flight": { type: "string", default: "50" },
    pieces: { type: "string", default: "16" },
    /** A file, or - for standard output. */
    json: { type: "string" },
    /** Exit code 1 where a target is missed. */
    check: { type: "boolean", default: false },
  },
});

const [rounds, inFlight, pieces] = [Number(values.rounds), Number(values["in-flight"]), Number(values.pieces)];
const seconds = Number(values.seconds);
if (![rounds, inFlight, pieces].every((number) => Number.isInteger(number) && number > 0) || !(seconds > 0)) {
  process.stderr.write("--rounds, --in-flight and --pieces take whole numbers above 0, --seconds a number above 0.\n");
  process.exit(2);
}
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

const columns: readonly (readonly [title: string, value: (cell: KeyPoolCell) => string])[] = [
  ["reply", ({ mode }) => mode],
  ["subject", ({ subject }) => subject],
  ["requests/s", ({ requestsPerSecond }) => requestsPerSecond.toFixed(0)],
  ["p50 ms", ({ p50Ms }) => p50Ms.toFixed(2)],
  ["p95 ms", ({ p95Ms }) => p95Ms.toFixed(2)],
  ["CPU ms", ({ subject, cpuMsPerRequest }) => (subject === "direct" ? "-" : cpuMsPerRequest.toFixed(3))],
  ["/ proxy", ({ subject, ratioToProxy }) => (subject === "direct" ? "-" : ratioToProxy.toFixed(2))],
  ["provider ms", ({ providerMsPerRequest }) => providerMsPerRequest.toFixed(3)],
  ["errors", ({ errors }) => String(errors)],
];

const folder = await mkdtemp(path.join(tmpdir(), "quartet-bench-"));
try {
  const measured = await measureKeyPool({
    ...{ folder, rounds, inFlight, pieces, sliceMs: (seconds * 1000) / rounds },
    signal: stop.signal,
    progress: (line) => process.stderr.write(`${line}\n`),
  });
  const { cells, targets } = keyPoolReport(measured);
  const rows = [columns.map(([title]) => title), ...cells.map((cell) => columns.map(([, value]) => value(cell)))];
  const lines = [
    ...rows.map((row) => row.map((text) => text.padStart(12)).join("")),
    ...targets.map(
      ({ mode, subject, figure, value, most, met }) =>
        `${mode}, ${subject}: ${figure} ${value.toFixed(2)}; ${met ? "meets" : "MISSES"} ${most}`,
    ),
    `${inFlight} in flight; a reply of 1 KB has ${pieces} pieces; medians of ${rounds} rounds. CPU of services is that of gateway and generation.`,
  ];
  (values.json === "-" ? process.stderr : process.stdout).write(`${lines.join("\n")}\n`);
  const machine = { cores: availableParallelism(), node: process.version, load: loadavg()[0] };
  const json = `${JSON.stringify({ machine, rounds, inFlight, pieces, cells, targets }, null, 2)}\n`;
  if (values.json === "-") process.stdout.write(json);
  else if (values.json !== undefined) await writeFile(values.json, json);
  if (values.check && targets.some(({ met }) => !met)) process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
