/**
 * `npm run stores start|stop|status|wipe [postgres|elasticsearch|redis ...]`: genuine stores on loopback, without containers and without a server to
 * install. `start` prints a line for each, as DATABASE_URL=..., and nothing else on standard output: `export $(npm run -s stores start)`.
 */
import path from "node:path";
import { dataFolder } from "./stores/folders.mjs";
import { elasticsearch } from "./stores/elasticsearch.mjs";
import { postgres } from "./stores/postgres.mjs";
import { redis } from "./stores/redis.mjs";
import { missingFor, startStore, statusOf, stopStore, wipeStore } from "./stores/store.mjs";

const all = [postgres, elasticsearch, redis];
const usage = `usage: npm run stores start|stop|status|wipe [${all.map(({ name }) => name).join("|")} ...]`;
const commands = { start, stop, status, wipe };

/** Nothing survives a power cut, and Elasticsearch starts sooner and runs slower: for tests. */
const isFast = process.argv.includes("--fast") || process.env.QUARTET_STORES_DURABLE === "false";
const options = { dataFolder, isFast, say: (line) => console.error(line) };

async function start(stores) {
  const missing = new Set(stores.flatMap(missingFor));
  if (missing.size > 0) throw new Error([...missing].join("\n"));
  const started = await Promise.allSettled(stores.map((store) => startStore(store, options)));
  for (const { reason } of started.filter(({ status }) => status === "rejected")) console.error(reason.message);
  for (const [index, store] of stores.entries())
    if (started[index].value) console.log(`${store.variable}=${started[index].value.url}`);
  return started.every(({ status }) => status === "fulfilled") ? 0 : 1;
}

async function stop(stores) {
  const wereRunning = await Promise.all(stores.map((store) => stopStore(store, options)));
  for (const [index, store] of stores.entries())
    console.error(`${store.title} ${wereRunning[index] ? "is stopped; its data stays" : "was not running"}.`);
  return 0;
}

/** Exit code 0 when all are up, 3 when not, as service managers have it. */
async function status(stores) {
  const found = await Promise.all(stores.map((store) => statusOf(store, options)));
  for (const [index, store] of stores.entries()) {
    const { isUp, url, pid, logFile } = found[index];
    const line = pid
      ? `${isUp ? "up  " : "not ready"}  ${new URL(url).host}  pid ${pid}  ${path.relative(process.cwd(), logFile)}`
      : "down";
    console.log(`${store.name.padEnd(15)}${line}`);
  }
  return found.every(({ isUp }) => isUp) ? 0 : 3;
}

async function wipe(stores) {
  await Promise.all(stores.map((store) => wipeStore(store, options)));
  console.error(`Deleted: the data of ${stores.map(({ title }) => title).join(", ")}.`);
  return 0;
}

try {
  const [command, ...names] = process.argv.slice(2).filter((argument) => argument !== "--fast");
  const stores = names.length > 0 ? names.map((name) => all.find((store) => store.name === name)) : all;
  if (!Object.hasOwn(commands, command ?? "") || stores.includes(undefined)) throw new Error(usage);
  process.exitCode = await commands[command](stores);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
