/**
 * `npm run bench sources`: what a search of four sources takes whose stores answer after 300, 200, 200 and 150 ms, at once and one after the
 * other in the same run; and what becomes of it when any one of them fails or hangs. Why in this way: ../README.md.
 */
import { parseArgs } from "node:util";
import { numberOf, outputOptions, tell } from "./command.ts";
import { defaultTimeLimitMs, measureFaults, measureSources } from "./measure-sources.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "20" },
    ...outputOptions,
  },
});

const rounds = numberOf("rounds", values.rounds);

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
await tell({ text: lines.join("\n"), figures: { rounds, times, faults }, met: times.met }, values);
