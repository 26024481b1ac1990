/** `npm run bench NAME`: measures, always beside a baseline in the same run. `npm run bench` lists what there is. */
import path from "node:path";
import { ensureInstalled, nodePath, root, run, sourceFlags, toolEnvironment } from "../local/install.mjs";

const benches = {
  search: "hybrid search at 1, 20 and 50 in flight: standalone and separate processes beside a floor without hops",
  legs: "2, 4 and 8 legs with set delays: wall time beside the slowest leg, and beside the same legs one after the other",
  sources:
    "four sources that take 300, 200, 200 and 150 ms: at once, one after the other, and with any of them failing or hanging",
  sections:
    "three sections of 600 ms at once, one after the other, and with one key for one call at a time; a whole answer of four sources and three sections",
  batching: "1,000 texts of 100 requests at once: each text, each request and batches of them as calls to a model",
  "key-pool":
    "1 KB chats passed on to a model, 50 in flight: CPU a request, beside a bare proxy, two bare processes and a direct call, whole and streamed",
  stream:
    "100 answers streamed at once, 50 tokens 20 ms apart: answers a second and first token, beside a bare proxy and a direct call",
  lag: "event-loop lag while 10,000 passages are indexed and questions answered: standalone and separate processes",
  pages:
    "10,000 passages streamed: memory of gateway and retrieval, first page beside a search (also with DATABASE_URL)",
  cache:
    "the cache of search results: hits on questions that repeat by Zipf's law, with and without changes, and how fast",
  threads: "scans of 1,000 to 100,000 vectors, here and in a worker thread: what they cost the thread that answers",
  vectors:
    "pgvector: exact scan, HNSW, selective filters and off-topic tenants: time, recall, build, size (needs DATABASE_URL)",
  "quality-plot": "draws the runs of `quartet eval` in deploy/docs/quality as deploy/docs/quality.svg",
  "vector-sizes": "pgvector: tables and indexes in single and in half precision (needs DATABASE_URL)",
};

const [name, ...args] = process.argv.slice(2);
if (!Object.hasOwn(benches, name ?? "")) {
  for (const [known, what] of Object.entries(benches)) console.log(`npm run bench ${known}   ${what}`);
  process.exitCode = name === undefined ? 0 : 2;
} else {
  await ensureInstalled();
  const entry = path.join(root, "deploy", "bench", "src", `${name}.ts`);
  process.exitCode = await run(nodePath(), [...sourceFlags, entry, ...args], { env: toolEnvironment() });
}
