/**
 * `npm run bench sections`: three sections that take the model 600 ms each: at once, one after the other, and with one key for one call at a time;
 * then a whole answer in them from four sources, at once and in sequence, in the same run. Why in this way: ../README.md.
 */
import { writeFile } from "node:fs/promises";
import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { measureSections } from "./measure-sections.ts";
import { measureWholeAnswer } from "./measure-whole-answer.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "10" },
    /** A file, or - for standard output. */
    json: { type: "string" },
    /** Exit code 1 where a target is missed. */
    check: { type: "boolean", default: false },
  },
});

const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  process.stderr.write("--rounds takes a whole number above 0.\n");
  process.exit(2);
}

const sections = await measureSections({ rounds });
const whole = await measureWholeAnswer({ rounds });
const { limited } = sections;
const lines = [
  `one section               ${sections.aloneMs.toFixed(1)} ms`,
  `three at once             ${sections.togetherMs.toFixed(1)} ms (p95 ${sections.togetherP95Ms.toFixed(1)})`,
  `one after the other       ${sections.inTurnMs.toFixed(1)} ms`,
  `ratio                     ${sections.ratio.toFixed(3)}`,
  `one key, one at a time    ${limited.wallMs.toFixed(1)} ms, ${limited.calls} calls; arrived: ${limited.arrived.join(", ")}; said: ${limited.said.join(", ")}`,
  "",
  `whole answer              ${whole.parallelMs.toFixed(1)} ms (p95 ${whole.parallelP95Ms.toFixed(1)}), ${whole.addedMs.toFixed(1)} more than its slowest source and a section`,
  `all of it in sequence     ${whole.sequentialMs.toFixed(1)} ms`,
  `ratio                     ${whole.ratio.toFixed(3)}`,
  "",
  `medians of ${rounds} rounds; load ${loadavg()[0]!.toFixed(2)}.`,
];
(values.json === "-" ? process.stderr : process.stdout).write(`${lines.join("\n")}\n`);
const machine = { cores: availableParallelism(), node: process.version, load: loadavg()[0] };
const json = `${JSON.stringify({ machine, rounds, sections, whole }, null, 2)}\n`;
if (values.json === "-") process.stdout.write(json);
else if (values.json !== undefined) await writeFile(values.json, json);
if (values.check && !(sections.met && whole.met)) process.exitCode = 1;
