/**
 * `npm run bench cache`: how many searches the cache of results answers when questions repeat as people's do, and how fast. What is measured, and
 * why in this way: ../README.md.
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { evaluationSet, storesForTests } from "@quartet/testing";
import { toCacheSvg, toCacheTable } from "./cache-report.ts";
import { type CachedDocument, openCacheSubject } from "./cache-subject.ts";
import { type CacheQuestion, replay, type ReplayResult } from "./measure-cache.ts";

const { values } = parseArgs({
  options: {
    draws: { type: "string", default: "10000" },
    seed: { type: "string", default: "1" },
    /** Files. */
    json: { type: "string" },
    svg: { type: "string" },
    /** Exit code 1 where a target is missed. */
    check: { type: "boolean", default: false },
  },
});

const folder = evaluationSet("squad2-dev");
if (folder === undefined) {
  process.stderr.write("Set QUARTET_EVAL_DATA to the folder that holds squad2-dev.\n");
  process.exit(2);
}
const lines = async (name: string) => (await readFile(path.join(folder, name), "utf8")).trim().split("\n");
const jsonLines = async <T>(name: string) => (await lines(name)).map((line) => JSON.parse(line) as T);

const documents = (await jsonLines<Omit<CachedDocument, "collection">>("corpus.jsonl")).map(
  // An article is a collection.
  ({ id, title, text }): CachedDocument => ({ id, title, text, collection: collectionOf(title) }),
);
const byId = new Map(documents.map((document) => [document.id, document]));
const answeredBy = new Map((await lines("qrels.tsv")).map((line) => line.split("\t") as [string, string]));
const all = (await jsonLines<{ id: string; text: string }>("queries.jsonl")).map(({ id, text }): CacheQuestion => ({
  text,
  collection: byId.get(answeredBy.get(id) ?? "")?.collection,
}));
const placed = all.filter(({ collection }) => collection !== undefined);

const redisUrl = process.env["REDIS_URL"];
const { stores } = storesForTests(["redis"], { QUARTET_TEST_REDIS_URL: redisUrl });
const keys = stores?.redis.createPrefix();
const shared = redisUrl === undefined ? {} : { REDIS_URL: redisUrl, QUARTET_REDIS_KEY_PREFIX: keys!.prefix };
const replays = [
  { name: "all questions, asked of everything", questions: all, inCollection: false, changeEvery: 0 },
  { name: "each in its article, 1 change in 1,000", questions: placed, inCollection: true, changeEvery: 1_000 },
  { name: "asked of everything, 1 change in 1,000", questions: placed, inCollection: false, changeEvery: 1_000 },
];
const results: ReplayResult[] = [];
for (const each of replays) {
  process.stderr.write(`${each.name} ...\n`);
  const subject = await openCacheSubject(shared);
  await subject.put(documents);
  const result = await replay(subject, each, documents, { draws: Number(values.draws), seed: Number(values.seed) });
  const { entries, bytes, evictions } = await subject.figures();
  process.stderr.write(
    `  ${(100 * result.hitRate).toFixed(1)} % hits, p95 ${result.hitMs.p95.toFixed(2)} ms; in memory ${entries} results, ${Math.round(bytes / 1024 ** 2)} MiB, ${evictions} evicted\n`,
  );
  results.push(result);
  await subject.close();
  await keys?.drop();
}
const report = { stores: `embedded stores, ${redisUrl === undefined ? "no Redis" : "Redis"}`, replays: results };
process.stdout.write(`${report.stores}, ${values.draws} draws by Zipf's law (s = 1)\n\n${toCacheTable(report)}\n`);
const machine = { cores: availableParallelism(), node: process.version, load: loadavg()[0] };
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify({ machine, ...report }, null, 2)}\n`);
if (values.svg !== undefined) await writeFile(values.svg, toCacheSvg(report));
const [still, changing] = results as [ReplayResult, ReplayResult];
const isMissed =
  still.hitRate < 0.7 ||
  changing.hitRate < 0.6 ||
  still.hotHitRate <= 0.9 ||
  still.hitMs.p95 > 5 ||
  changing.hitMs.p95 > 5;
if (values.check && isMissed) process.exitCode = 1;

/** A title as the name of a collection. */
function collectionOf(title: string): string {
  return (
    title
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, "-")
      .replaceAll(/^-|-$/g, "")
      .slice(0, 60) || "other"
  );
}
