/**
 * `npm run bench sections`: three sections that take the model 600 ms each: at once, one after the other, and with one key for one call at a time;
 * then a whole answer in them from four sources, at once and in sequence, in the same run. Why in this way: ../README.md.
 */
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { numberOf, outputOptions, tell } from "./command.ts";
import { measureSections } from "./measure-sections.ts";
import { measureWholeAnswer } from "./measure-whole-answer.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "10" },
    ...outputOptions,
  },
});

const rounds = numberOf("rounds", values.rounds);

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
await tell({ text: lines.join("\n"), figures: { rounds, sections, whole }, met: sections.met && whole.met }, values);
