/**
 * `npm run bench legs`: what asking several engines at once costs, with engines that answer after a set time: the wall time of a search with
 * 2, 4 and 8 legs beside its slowest leg, and beside the same legs one after the other. Why in this way: ../README.md.
 */
import { writeFile } from "node:fs/promises";
import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { type LegsCell, measureLegs } from "./measure-legs.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "50" },
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

const columns: readonly (readonly [title: string, value: (cell: LegsCell) => string])[] = [
  ["legs", ({ legCount }) => String(legCount)],
  ["slowest leg ms", ({ slowestMs }) => slowestMs.toFixed(2)],
  ["parallel ms", ({ parallelMs }) => parallelMs.toFixed(2)],
  ["added ms", ({ addedMs }) => addedMs.toFixed(3)],
  ["added p95 ms", ({ addedP95Ms }) => addedP95Ms.toFixed(3)],
  ["ratio", ({ ratio }) => ratio.toFixed(4)],
  ["sequential ms", ({ sequentialMs }) => sequentialMs.toFixed(2)],
  ["speed-up", ({ speedUp }) => speedUp.toFixed(2)],
  ["within", ({ withinShare }) => `${(100 * withinShare).toFixed(0)} %`],
];

const cells = await measureLegs({ legCounts: [2, 4, 8], rounds });
const machine = { cores: availableParallelism(), node: process.version, load: loadavg()[0] };
const rows = [columns.map(([title]) => title), ...cells.map((cell) => columns.map(([, value]) => value(cell)))];
const table = rows.map((row) => row.map((text) => text.padStart(15)).join("")).join("\n");
const note = `within: rounds whose wall time was at most 1.05 x the slowest leg + 1 ms; ${rounds} rounds, medians.`;
(values.json === "-" ? process.stderr : process.stdout).write(`${table}\n${note}\n`);
const json = `${JSON.stringify({ machine, rounds, cells }, null, 2)}\n`;
if (values.json === "-") process.stdout.write(json);
else if (values.json !== undefined) await writeFile(values.json, json);
if (values.check && cells.some(({ met }) => !met)) process.exitCode = 1;
