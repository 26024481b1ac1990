/** The genuine stores that suites need: started beside the checks, for this run alone, and deleted after it. */
import { existsSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { elasticsearch } from "../local/stores/elasticsearch.mjs";
import { testDataFolder } from "../local/stores/folders.mjs";
import { postgres } from "../local/stores/postgres.mjs";
import { redis } from "../local/stores/redis.mjs";
import { missingFor, startStore, wipeStore } from "../local/stores/store.mjs";

const all = [postgres, elasticsearch, redis];
const testVariable = (store) => `QUARTET_TEST_${store.variable}`;
const say = (line) => console.error(`stores: ${line}`);
/** A folder for each run, named after its process: two runs do not meet, and what a killed one left is found. */
const optionsOf = (pid) => ({ dataFolder: path.join(testDataFolder, String(pid)), isFast: true, say });

/**
 * Starts what suites need and no QUARTET_TEST_..._URL names already. QUARTET_TEST_STORES=none starts nothing.
 *
 * @param {string[]} folders whose suites run; none stands for all
 * @returns {{ ready: Promise<{ environment: Record<string, string>, leftOut: string[] }>, stop: () => Promise<void> }} `ready` never rejects: what could
 *   not be started is left out, with the reason
 */
export function startStoresForTests(folders) {
  const stopping = new AbortController();
  const wanted = all.filter((store) => !process.env[testVariable(store)] && isNeeded(store, folders));
  const starting =
    process.env.QUARTET_TEST_STORES === "none"
      ? wanted.map((store) => ({ store, reason: "QUARTET_TEST_STORES=none" }))
      : wanted.map((store) => begin(store, stopping.signal));
  const ready = Promise.all([removeLeftovers(), ...starting]).then(([, ...results]) => ({
    environment: Object.fromEntries(
      results.filter(({ url }) => url).map(({ store, url }) => [testVariable(store), url]),
    ),
    leftOut: results.filter(({ reason }) => reason).map(({ store, reason }) => `suites on ${store.title}: ${reason}`),
  }));
  const stop = async () => {
    stopping.abort();
    await Promise.all(wanted.map((store) => wipeStore(store, optionsOf(process.pid))));
    rmSync(optionsOf(process.pid).dataFolder, { recursive: true, force: true });
  };
  return { ready, stop };
}

async function begin(store, signal) {
  try {
    const missing = missingFor(store);
    if (missing.length > 0) return { store, reason: missing.join(" ") };
    const { url } = await startStore(store, { ...optionsOf(process.pid), signal });
    if (store === elasticsearch) await warmUp(url);
    return { store, url };
  } catch (error) {
    return { store, reason: error.message };
  }
}

/** The first index of a server, and the first Korean, take seconds more than any later one: no suite is to meet that within its own time. */
async function warmUp(url) {
  const send = (method, path, body) =>
    fetch(`${url}/quartet-warm-up${path}`, {
      method,
      headers: { "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(60_000),
    });
  await send("PUT", "", { mappings: { properties: { text: { type: "text", analyzer: "nori" } } } });
  await send("PUT", "/_doc/1?refresh=true", { text: "문서를 검색합니다" });
  await send("POST", "/_search", { query: { match: { text: "문서" } } });
  await send("DELETE", "");
}

/** Of runs that were killed before they could stop what they had started. */
async function removeLeftovers() {
  const runs = existsSync(testDataFolder) ? readdirSync(testDataFolder) : [];
  for (const pid of runs.filter((name) => Number(name) !== process.pid && !existsSync(`/proc/${name}`))) {
    for (const store of all) await wipeStore(store, optionsOf(pid));
    rmSync(path.join(testDataFolder, pid), { recursive: true, force: true });
  }
}

/** Whether a suite below the folders names the store; so that tests of a pure package start in no time. */
function isNeeded(store, folders) {
  const paths = folders.filter((argument) => !argument.startsWith("-"));
  if (paths.length === 0 || !paths.every((folder) => existsSync(folder))) return true;
  return paths.flatMap(testsBelow).some((file) => {
    const calls = [...readFileSync(file, "utf8").matchAll(/(?:describeWithStores|storesForTests)\([^[]*\[([^\]]*)\]/g)];
    return calls.some(([, names]) => names.includes(`"${store.name}"`));
  });
}

function testsBelow(target) {
  if (statSync(target).isFile()) return [target];
  return readdirSync(target, { recursive: true })
    .filter((name) => name.endsWith(".ts") && !name.includes("node_modules"))
    .map((name) => path.join(target, name))
    .filter((file) => statSync(file).isFile());
}
