/**
 * `npm run bench legs`: what asking several engines at once costs, with engines that answer after a set time: the wall time of a search with
 * 2, 4 and 8 legs beside its slowest leg, and beside the same legs one after the other. Why in this way: ../README.md.
 */
import { parseArgs } from "node:util";
import { type Columns, numberOf, outputOptions, tell, toTable } from "./command.ts";
import { type LegsCell, measureLegs } from "./measure-legs.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "50" },
    ...outputOptions,
  },
});

const rounds = numberOf("rounds", values.rounds);

const columns: Columns<LegsCell> = [
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
const note = `within: rounds whose wall time was at most 1.05 x the slowest leg + 1 ms; ${rounds} rounds, medians.`;
await tell(
  { text: `${toTable(columns, cells, 15)}\n${note}`, figures: { rounds, cells }, met: cells.every(({ met }) => met) },
  values,
);
