/**
 * `npm run bench sources`: what a search of four sources takes whose stores answer after 300, 200, 200 and 150 ms, at once and one after the
 * other in the same run; and what becomes of it when any one of them fails or hangs. Why in this way: ../README.md.
 */
import { writeFile } from "node:fs/promises";
import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { defaultTimeLimitMs, measureFaults, measureSources } from "./measure-sources.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "20" },
    /** A file, or - for standard output. */
    json: { type: "string" },
    /** Exit code 1 where the target is missed. */
    check: { type: "boolean", default: false },
  },
});

const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  process.stderr.write("--rounds takes a whole number above 0.\n");
  process.exit(2);
}

const times = await measureSources({ rounds });
const faults = await measureFaults();
const lines = [
  `four sources at once      ${times.parallelMs.toFixed(1)} ms (p95 ${times.parallelP95Ms.toFixed(1)})`,
  `one after the other       ${times.sequentialMs.toFixed(1)} ms`,
  `ratio                     ${times.ratio.toFixed(3)}`,
  "",
  ...faults.map(
    ({ source, fault, wallMs, answered, named }) =>
      `${`${source} ${fault}`.padEnd(16)}${wallMs.toFixed(1).padStart(8)} ms   answered: ${answered.join(", ")}; named: ${named}`,
  ),
  "",
  `medians of ${rounds} rounds; the time limit of a source is ${defaultTimeLimitMs} ms.`,
];
(values.json === "-" ? process.stderr : process.stdout).write(`${lines.join("\n")}\n`);
const machine = { cores: availableParallelism(), node: process.version, load: loadavg()[0] };
const json = `${JSON.stringify({ machine, rounds, times, faults }, null, 2)}\n`;
if (values.json === "-") process.stdout.write(json);
else if (values.json !== undefined) await writeFile(values.json, json);
if (values.check && !times.met) process.exitCode = 1;
