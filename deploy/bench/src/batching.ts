/**
 * `npm run bench batching`: 1,000 texts from 100 concurrent requests to an embedding model: every text a call of its own, every request one, and in
 * batches across requests, in the same run. Why in this way: ../README.md.
 */
import { writeFile } from "node:fs/promises";
import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { type BatchingMode, measureBatching } from "./measure-batching.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    /** What a call takes at the provider, in milliseconds. */
    delay: { type: "string", default: "100" },
    /** A file, or - for standard output. */
    json: { type: "string" },
    /** Exit code 1 where the target is missed. */
    check: { type: "boolean", default: false },
  },
});

const [rounds, delayMs] = [Number(values.rounds), Number(values.delay)];
if (!Number.isInteger(rounds) || rounds < 1 || !Number.isInteger(delayMs) || delayMs < 1) {
  process.stderr.write("--rounds and --delay take whole numbers above 0.\n");
  process.exit(2);
}

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
(values.json === "-" ? process.stderr : process.stdout).write(`${lines.join("\n")}\n`);
const machine = { cores: availableParallelism(), node: process.version, load: loadavg()[0] };
const json = `${JSON.stringify({ machine, rounds, delayMs, ...result }, null, 2)}\n`;
if (values.json === "-") process.stdout.write(json);
else if (values.json !== undefined) await writeFile(values.json, json);
if (values.check && !result.met) process.exitCode = 1;
