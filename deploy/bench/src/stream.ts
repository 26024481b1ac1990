/**
 * `npm run bench stream`: 100 answers streamed at once, the first token after 200 ms and 49 more 20 ms apart: through standalone and through separate
 * processes, beside a bare proxy and a direct call. Why in this way: ../README.md.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { type Columns, numberOf, outputOptions, tell, toTable } from "./command.ts";
import { measureStream, type StreamCell, streamReport } from "./measure-stream.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    /** Each subject, all rounds together. */
    seconds: { type: "string", default: "12" },
    /** Each subject, before the first round. */
    "warm-up": { type: "string", default: "15" },
    "at-once": { type: "string", default: "100" },
    "first-token": { type: "string", default: "200" },
    tokens: { type: "string", default: "50" },
    "token-delay": { type: "string", default: "20" },
    ...outputOptions,
  },
});

const rounds = numberOf("rounds", values.rounds);
const atOnce = numberOf("at-once", values["at-once"]);
const firstTokenMs = numberOf("first-token", values["first-token"]);
const tokens = numberOf("tokens", values.tokens);
const tokenMs = numberOf("token-delay", values["token-delay"]);
const seconds = numberOf("seconds", values.seconds, { whole: false });
const warmUp = numberOf("warm-up", values["warm-up"], { whole: false });
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

const columns: Columns<StreamCell> = [
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
    ...{
      folder,
      rounds,
      atOnce,
      firstTokenMs,
      tokens,
      tokenMs,
      sliceMs: (seconds * 1000) / rounds,
      warmUpMs: warmUp * 1000,
    },
    signal: stop.signal,
    progress: (line) => process.stderr.write(`${line}\n`),
  });
  const { cells, targets } = streamReport(measured);
  const lines = [
    toTable(columns, cells, 13),
    ...targets.map(
      ({ subject, figure, value, limit, met }) =>
        `${subject}: ${value.toFixed(3)} ${figure}; ${met ? "meets" : "MISSES"} ${limit}`,
    ),
    ...cells.flatMap(({ subject, firstError }) =>
      firstError === undefined ? [] : [`${subject} failed: ${firstError}`],
    ),
    `${atOnce} at once; ${tokens} tokens, the first after ${firstTokenMs} ms, the others ${tokenMs} ms apart; medians of ${rounds} rounds.`,
  ];
  await tell(
    {
      text: lines.join("\n"),
      figures: { rounds, atOnce, firstTokenMs, tokens, tokenMs, cells, targets },
      met: targets.every(({ met }) => met),
    },
    values,
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}
