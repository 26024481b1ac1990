/**
 * `npm run bench pages`: a result of 10,000 passages streamed page by page: memory of gateway and retrieval, and the first page beside an ordinary search.
 * On the embedded stores, or with DATABASE_URL and ELASTICSEARCH_URL on those. What is measured, and why in this way: ../README.md.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { numberOf, outputOptions, tell } from "./command.ts";
import { measurePages } from "./measure-pages.ts";

const { values } = parseArgs({
  options: {
    passages: { type: "string", default: "10500" },
    streamed: { type: "string", default: "10000" },
    "page-size": { type: "string", default: "100" },
    rounds: { type: "string", default: "30" },
    /** What indexes in Elasticsearch are named by. */
    prefix: { type: "string", default: "quartet-bench" },
    ...outputOptions,
  },
});

const targets = { growthMiB: 10, ratio: 2 };

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
const folder = await mkdtemp(path.join(tmpdir(), "quartet-bench-"));
try {
  const plan = {
    passageCount: numberOf("passages", values.passages),
    streamedCount: numberOf("streamed", values.streamed),
    pageSize: numberOf("page-size", values["page-size"]),
    rounds: numberOf("rounds", values.rounds),
  };
  const measured = await measurePages({
    ...plan,
    folder,
    environment: { QUARTET_ELASTICSEARCH_PREFIX: values.prefix },
    signal: stop.signal,
    progress: (line) => process.stderr.write(`${line}\n`),
  });
  const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  const { searchMs, firstPageMs, ratio, streamed, distinct, streamMs, memory } = measured;
  const met = memory.every(({ growth }) => growth <= targets.growthMiB * 2 ** 20) && ratio <= targets.ratio;
  const stores = process.env["DATABASE_URL"] === undefined ? "embedded" : "PostgreSQL and Elasticsearch";
  const lines = [
    `stores: ${stores}`,
    `${streamed} passages, ${distinct} different, in ${(streamMs / 1000).toFixed(1)} s`,
    ...memory.map(
      ({ process, before, during, after, growth }) =>
        `${process} holds MiB: ${mebibytes(before)} before, ${during.map(mebibytes).join(" ")} during, ${mebibytes(after)} after; at most ${mebibytes(growth)} more (wanted ${targets.growthMiB})`,
    ),
    `search p50 ${searchMs.toFixed(1)} ms, first page p50 ${firstPageMs.toFixed(1)} ms: x ${ratio.toFixed(2)} (wanted ${targets.ratio})`,
    `targets ${met ? "met" : "missed"}`,
  ];
  await tell({ text: lines.join("\n"), figures: { stores, plan, ...measured, met }, met }, values);
} finally {
  await rm(folder, { recursive: true, force: true });
}
