/**
 * `npm run bench batching`: 1,000 texts from 100 concurrent requests to an embedding model: every text a call of its own, every request one, and in
 * batches across requests, in the same run. Why in this way: ../README.md.
 */
import { parseArgs } from "node:util";
import { numberOf, outputOptions, tell } from "./command.ts";
import { type BatchingMode, measureBatching } from "./measure-batching.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    /** What a call takes at the provider, in milliseconds. */
    delay: { type: "string", default: "100" },
    ...outputOptions,
  },
});

const rounds = numberOf("rounds", values.rounds);
const delayMs = numberOf("delay", values.delay);

const result = await measureBatching({ rounds, delayMs });
const { modes, fewerCalls, sooner, billed } = result;
const row = (name: string, mode: BatchingMode) =>
  `${name.padEnd(24)}${modes[mode].calls.toFixed(0).padStart(6)} calls${modes[mode].wallMs.toFixed(0).padStart(8)} ms`;
const lines = [
  row("each text by itself", "texts"),
  row("each request by itself", "requests"),
  row("batches across requests", "batched"),
  "",
  `times fewer calls: ${fewerCalls.texts.toFixed(1)} than texts, ${fewerCalls.requests.toFixed(1)} than requests by themselves`,
  `times sooner:      ${sooner.texts.toFixed(1)} than texts, ${sooner.requests.toFixed(1)} than requests by themselves`,
  `tokens that the responses tell, over those the provider billed: ${billed.toFixed(3)}`,
  "",
  `medians of ${rounds} rounds; a call takes the provider ${delayMs} ms.`,
];
await tell({ text: lines.join("\n"), figures: { rounds, delayMs, ...result }, met: result.met }, values);
