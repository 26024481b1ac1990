/**
 * `npm run bench stream`: 100 answers streamed at once, the first token after 200 ms and 49 more 20 ms apart: through standalone and through separate
 * processes, beside a bare proxy and a direct call. Why in this way: ../README.md.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { measureStream, type StreamCell, streamReport } from "./measure-stream.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    /** Each subject, all rounds together. */
    seconds: { type: "string", default: "12" },
    "at-once": { type: "string", default: "100" },
    "first-token": { type: "string", default: "200" },
    tokens: { type: "string", default: "50" },
    "token-delay": { type: "string", default: "20" },
    /** A file, or - for standard output. */
    json: { type: "string" },
    /** Exit code 1 where a target is missed. */
    check: { type: "boolean", default: false },
  },
});

const whole = ["rounds", "at-once", "first-token", "tokens", "token-delay"] as const;
const [rounds, atOnce, firstTokenMs, tokens, tokenMs] = whole.map((name) => Number(values[name])) as [
  number,
  number,
  number,
  number,
  number,
];
const seconds = Number(values.seconds);
if (
  ![rounds, atOnce, firstTokenMs, tokens, tokenMs].every((number) => Number.isInteger(number) && number > 0) ||
  !(seconds > 0)
) {
  process.stderr.write(
    `${whole.map((name) => `--${name}`).join(", ")} take whole numbers above 0, --seconds a number above 0.\n`,
  );
  process.exit(2);
}
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

const columns: readonly (readonly [title: string, value: (cell: StreamCell) => string])[] = [
  ["subject", ({ subject }) => subject],
  ["answers/s", ({ answersPerSecond }) => answersPerSecond.toFixed(1)],
  ["/ proxy", ({ ratioToProxy }) => ratioToProxy.toFixed(3)],
  ["first p50 ms", ({ firstP50Ms }) => firstP50Ms.toFixed(1)],
  ["p95 ms", ({ firstP95Ms }) => firstP95Ms.toFixed(1)],
  ["added ms", ({ addedMs }) => addedMs.toFixed(1)],
  ["to direct", ({ addedToDirectMs }) => addedToDirectMs.toFixed(1)],
  ["burst ms", ({ burstP50Ms }) => burstP50Ms.toFixed(1)],
  ["whole ms", ({ totalP50Ms }) => totalP50Ms.toFixed(0)],
  ["CPU ms", ({ subject, cpuMsPerAnswer }) => (subject === "direct" ? "-" : cpuMsPerAnswer.toFixed(2))],
  ["errors", ({ errors }) => String(errors)],
];

const folder = await mkdtemp(path.join(tmpdir(), "quartet-bench-"));
try {
  const measured = await measureStream({
    ...{ folder, rounds, atOnce, firstTokenMs, tokens, tokenMs, sliceMs: (seconds * 1000) / rounds },
    signal: stop.signal,
    progress: (line) => process.stderr.write(`${line}\n`),
  });
  const { cells, targets } = streamReport(measured);
  const rows = [columns.map(([title]) => title), ...cells.map((cell) => columns.map(([, value]) => value(cell)))];
  const lines = [
    ...rows.map((row) => row.map((text) => text.padStart(13)).join("")),
    ...targets.map(
      ({ subject, figure, value, limit, met }) =>
        `${subject}: ${value.toFixed(3)} ${figure}; ${met ? "meets" : "MISSES"} ${limit}`,
    ),
    ...cells.flatMap(({ subject, firstError }) =>
      firstError === undefined ? [] : [`${subject} failed: ${firstError}`],
    ),
    `${atOnce} at once; ${tokens} tokens, the first after ${firstTokenMs} ms, the others ${tokenMs} ms apart; medians of ${rounds} rounds.`,
  ];
  (values.json === "-" ? process.stderr : process.stdout).write(`${lines.join("\n")}\n`);
  const machine = { cores: availableParallelism(), node: process.version, load: loadavg()[0] };
  const json = `${JSON.stringify({ machine, rounds, atOnce, firstTokenMs, tokens, tokenMs, cells, targets }, null, 2)}\n`;
  if (values.json === "-") process.stdout.write(json);
  else if (values.json !== undefined) await writeFile(values.json, json);
  if (values.check && targets.some(({ met }) => !met)) process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
