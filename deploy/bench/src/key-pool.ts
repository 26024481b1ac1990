/**
 * `npm run bench key-pool`: chats of 1 KB passed on to a model provider, 50 in flight, whole and streamed: through standalone and through gateway and
 * generation as processes of their own, beside a bare proxy, a bare pair of processes and a direct call. Why in this way: ../README.md.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { type Columns, numberOf, outputOptions, tell, toTable } from "./command.ts";
import { type KeyPoolCell, keyPoolReport, measureKeyPool } from "./measure-key-pool.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    /** Each subject and mode, all rounds together. */
    seconds: { type: "string", default: "10" },
    /** Each subject and mode, before the first round. */
    "warm-up": { type: "string", default: "15" },
    "in-flight": { type: "string", default: "50" },
    pieces: { type: "string", default: "16" },
    ...outputOptions,
  },
});

const rounds = numberOf("rounds", values.rounds);
const inFlight = numberOf("in-flight", values["in-flight"]);
const pieces = numberOf("pieces", values.pieces);
const seconds = numberOf("seconds", values.seconds, { whole: false });
const warmUp = numberOf("warm-up", values["warm-up"], { whole: false });
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

const columns: Columns<KeyPoolCell> = [
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
    ...{ folder, rounds, inFlight, pieces, sliceMs: (seconds * 1000) / rounds, warmUpMs: warmUp * 1000 },
    signal: stop.signal,
    progress: (line) => process.stderr.write(`${line}\n`),
  });
  const { cells, targets } = keyPoolReport(measured);
  const lines = [
    toTable(columns, cells, 12),
    ...targets.map(
      ({ mode, subject, figure, value, most, met }) =>
        `${mode}, ${subject}: ${figure} ${value.toFixed(2)}; ${met ? "meets" : "MISSES"} ${most}`,
    ),
    `${inFlight} in flight; a reply of 1 KB has ${pieces} pieces; medians of ${rounds} rounds. CPU of services is that of gateway and generation, CPU of hop that of both its processes.`,
  ];
  await tell(
    {
      text: lines.join("\n"),
      figures: { rounds, inFlight, pieces, cells, targets },
      met: targets.every(({ met }) => met),
    },
    values,
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}
