/** Starting, finding and ending one store. What differs between the three is in a file each. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { accountThatReaches, claimFolder, openFolder } from "./account.mjs";
import { enginesFolder, temporaryTwin } from "./folders.mjs";
import { alone } from "./lock.mjs";
import { end, freePort, identify, isAlive, outputOf, tailOf } from "./processes.mjs";

/**
 * @typedef {object} Store
 * @property {string} name as in `npm run stores start NAME`
 * @property {string} title
 * @property {string} variable in which services look for its address
 * @property {string} engine the folder of its programs, named after what is pinned
 * @property {() => boolean} isEngineNeeded false where the machine's own programs will do
 * @property {string} [fetchNote] how much is fetched, where it is much
 * @property {() => string[]} missingForEngine sentences: what to install before its programs can be fetched
 * @property {() => string[]} missingForStart sentences: what to install before it can run
 * @property {(folder: string) => Promise<void>} prepare fills an empty folder with its programs
 * @property {() => string[]} reaches files that it must be able to read, beside its programs and its data
 * @property {string[]} ports names of the ports it takes
 * @property {number} readyLimitMs
 * @property {(options: object) => Promise<Launched> | Launched} launch
 * @property {(ports: Record<string, number>, places: { engineFolder: string, folder: string }) => Promise<boolean>} isReady
 * @property {(ports: Record<string, number>, places: { engineFolder: string, folder: string }) => Promise<void>} [setUp] makes what it must hold, unless it
 *   is there, once it is ready
 * @property {(ports: Record<string, number>, places: { folder: string }) => string} url
 * @property {{ signal: NodeJS.Signals, lastSignal: NodeJS.Signals, limitMs: number }} stopping
 */

/** @typedef {{ main: number, pidFile?: string }} Launched the process that was started, and where the one that serves writes its number, if it is another */

/**
 * Starts a store, or finds it running.
 *
 * @param {Store} store
 * @param {{ dataFolder: string, isFast: boolean, say: (line: string) => void, signal?: AbortSignal }} options isFast: for tests, where nothing needs to
 *   survive the machine
 * @returns {Promise<{ url: string, isNew: boolean }>} rejects with sentences that say what to do
 */
export async function startStore(store, { dataFolder, isFast, say, signal }) {
  const logicalFolder = path.join(dataFolder, store.name);
  return await alone(logicalFolder, async () => {
    const running = readState(logicalFolder);
    if (running?.processes.some(isAlive)) {
      // Whoever started it may have been ended before it was up.
      await untilReady(store, running, signal);
      return { url: store.url(running.ports, running), isNew: false };
    }
    const places = await findPlaces(store, logicalFolder, say);
    const began = performance.now();
    for (let attempt = 1; ; attempt += 1) {
      try {
        const url = await launchAndWait(store, { ...places, logicalFolder, isFast, earlier: running, signal });
        say(`${store.title} is up after ${((performance.now() - began) / 1000).toFixed(1)} s.`);
        return { url, isNew: true };
      } catch (error) {
        // Between the moment a port was found free and the moment the store took it, another process may have had it.
        if (attempt === 2 || !/in use/i.test(error.message)) throw error;
      }
    }
  });
}

/** @returns {Promise<boolean>} whether it had been running */
export async function stopStore(store, { dataFolder, say }) {
  const folder = path.join(dataFolder, store.name);
  return await alone(folder, async () => {
    const state = readState(folder);
    if (!state?.processes.some(isAlive)) return false;
    if (!(await end(state.processes, store.stopping)))
      say(`${store.title} did not stop within ${store.stopping.limitMs / 1000} s and was killed.`);
    return true;
  });
}

/** Deletes its data. */
export async function wipeStore(store, options) {
  await stopStore(store, options);
  const folder = path.join(options.dataFolder, store.name);
  const state = readState(folder);
  rmSync(folder, { recursive: true, force: true });
  // Below the temporary folder it has one around it, which is its own.
  if (state && state.folder !== folder) rmSync(path.dirname(state.folder), { recursive: true, force: true });
}

/** @returns {Promise<{ isUp: boolean, url?: string, pid?: number, logFile?: string }>} */
export async function statusOf(store, { dataFolder }) {
  const state = readState(path.join(dataFolder, store.name));
  const process = state?.processes.find(isAlive);
  if (!process) return { isUp: false };
  const isUp = await store.isReady(state.ports, state);
  return { isUp, url: store.url(state.ports, state), pid: process.pid, logFile: logFileOf(state.folder) };
}

/** @returns {string[]} what to install before the store can be started here */
export function missingFor(store) {
  if (process.platform !== "linux" || process.arch !== "x64")
    return [
      `Stores without containers run on Linux on x64, and this is ${process.platform} on ${process.arch}: use docker compose.`,
    ];
  const engine = store.isEngineNeeded() && !isPrepared(engineFolderOf(store)) ? store.missingForEngine() : [];
  return [...engine, ...store.missingForStart()];
}

const engineFolderOf = (store) => path.join(enginesFolder, store.engine);
const isPrepared = (folder) => existsSync(path.join(folder, "prepared"));
const logFileOf = (folder) => path.join(folder, "server.log");
const stateFile = (folder) => path.join(folder, "state.json");

function readState(folder) {
  const file = stateFile(folder);
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}

function writeState(folder, state) {
  writeFileSync(`${stateFile(folder)}.new`, JSON.stringify(state, null, 2));
  renameSync(`${stateFile(folder)}.new`, stateFile(folder));
}

/** The account, the data and the programs: in the checkout, or below the temporary folder where no account but root may enter that. */
async function findPlaces(store, logicalFolder, say) {
  const inCheckout = { folder: logicalFolder, engineFolder: engineFolderOf(store) };
  const temporary = { folder: temporaryTwin(logicalFolder), engineFolder: temporaryTwin(inCheckout.engineFolder) };
  for (const places of [inCheckout, temporary]) {
    if (places === temporary) for (const each of Object.values(temporary)) claimFolder(path.dirname(each));
    openFolder(places.folder);
    openFolder(path.dirname(places.engineFolder));
    const account = accountThatReaches([places.folder, path.dirname(places.engineFolder), ...store.reaches()]);
    if (!account) continue;
    if (places === temporary) say(`Only root may enter ${logicalFolder}: ${store.title} is kept in ${places.folder}.`);
    if (store.isEngineNeeded()) await prepareEngine(store, places.engineFolder, say);
    return { account, ...places };
  }
  throw new Error(
    `${store.title} does not run as root, and nobody else may read ${store.reaches().join(", ") || tmpdir()}: start it as an ordinary user.`,
  );
}

/** Fetches the programs once; another set of data, or another command, waits for it. */
async function prepareEngine(store, folder, say) {
  if (isPrepared(folder)) return;
  const onWait = () => say(`Waiting for another command that is fetching ${store.title}.`);
  await alone(folder, () => fetchEngine(store, folder, say), onWait);
}

async function fetchEngine(store, folder, say) {
  if (isPrepared(folder)) return;
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  openFolder(unfinished);
  say(`Fetching ${store.title}, once${store.fetchNote ? ` (${store.fetchNote})` : ""} ...`);
  await store.prepare(unfinished);
  // Whatever the mask of whoever fetched it: the account that runs it must be able to read it.
  await outputOf(["chmod", "-R", "a+rX", unfinished]);
  writeFileSync(path.join(unfinished, "prepared"), "");
  rmSync(folder, { recursive: true, force: true });
  renameSync(unfinished, folder);
}

async function launchAndWait(store, { account, folder, engineFolder, logicalFolder, isFast, earlier, signal }) {
  const ports = {};
  for (const name of store.ports) ports[name] = await freePort(earlier?.ports[name]);
  const logFile = logFileOf(folder);
  rmSync(logFile, { force: true });
  account.own(folder);
  const launched = await store.launch({ engineFolder, folder, ports, account, isFast, logFile });
  const main = identify(launched.main);
  const state = { processes: [main], ports, folder, engineFolder };
  writeState(logicalFolder, state);
  try {
    await untilReady(store, state, signal);
    if (launched.pidFile) {
      // The one that serves comes first: told to end, it takes the one that started it along.
      state.processes = [identify(Number(readFileSync(launched.pidFile, "utf8"))), main];
      writeState(logicalFolder, state);
    }
    return store.url(ports, state);
  } catch (error) {
    await end(state.processes, store.stopping);
    throw error;
  }
}

async function untilReady(store, state, signal) {
  const log = logFileOf(state.folder);
  for (const until = Date.now() + store.readyLimitMs; !(await store.isReady(state.ports, state)); await sleep(100)) {
    signal?.throwIfAborted();
    if (!state.processes.some(isAlive)) throw new Error(`${store.title} ended while starting:\n${tailOf(log)}`);
    if (Date.now() > until)
      throw new Error(`${store.title} was not ready within ${store.readyLimitMs / 1000} s; its log is ${log}.`);
  }
  await store.setUp?.(state.ports, state);
}
