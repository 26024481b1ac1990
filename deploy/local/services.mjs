/**
 * `npm run services start|stop|status`: the five services as processes of their own, over gRPC on loopback, the gateway on QUARTET_PORT. With DATABASE_URL and
 * ELASTICSEARCH_URL they keep everything there, once the database is migrated, and with REDIS_URL they share what may be lost; without, in QUARTET_DATA_DIR.
 */
import { spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ensureInstalled, nodePath, root, run, sourceFlags, toolEnvironment } from "./install.mjs";

/** Those with tables of their own in DATABASE_URL. */
const migrated = ["retrieval", "gateway", "generation"];
const inner = ["embedding", "retrieval", "compression", "generation"];
const dataFolder = path.resolve(root, process.env.QUARTET_DATA_DIR || ".quartet");
const runFolder = path.join(dataFolder, "run");
const stateFile = path.join(runFolder, "services.json");
const startLimitMs = 60_000;
const stopLimitMs = 30_000;

const commands = { start, stop, status };

async function start() {
  await ensureInstalled();
  if (readState().some(isAlive)) {
    console.error("Services are running already; `npm run services stop` ends them.");
    return await status();
  }
  mkdirSync(runFolder, { recursive: true });
  const ports = Object.fromEntries(await Promise.all(inner.map(async (name) => [name, await freePort()])));
  const gatewayPort = await publicPort();
  const environment = toolEnvironment({
    QUARTET_DATA_DIR: dataFolder,
    QUARTET_HOST: process.env.QUARTET_HOST || "127.0.0.1",
    QUARTET_PORT: String(gatewayPort),
    ...Object.fromEntries(inner.map((name) => [`QUARTET_${name.toUpperCase()}_PORT`, String(ports[name])])),
    ...Object.fromEntries(inner.map((name) => [`QUARTET_${name.toUpperCase()}_ADDRESS`, `127.0.0.1:${ports[name]}`])),
  });
  if (process.env.DATABASE_URL && !(await migrate(environment))) return 1;
  const state = [...inner, "gateway"].map((name) =>
    launch(name, name === "gateway" ? gatewayPort : ports[name], environment),
  );
  writeFileSync(stateFile, JSON.stringify(state, null, 2));
  if (!(await isReady(gatewayPort, state))) {
    for (const { name } of state.filter((service) => !isAlive(service))) console.error(`${name} ended:\n${tail(name)}`);
    console.error(`The services were not ready within ${startLimitMs / 1000} s; their logs are in ${runFolder}.`);
    await stop();
    return 1;
  }
  return await status();
}

/** One after the other, each with its lines on standard error; whether all are done. */
async function migrate(env) {
  for (const name of migrated) {
    const program = path.join(root, "services", name, "src", "migrate.ts");
    if ((await run(nodePath(), [...sourceFlags, program], { env, stdio: ["ignore", 2, 2] })) !== 0) return false;
  }
  return true;
}

function launch(name, port, environment) {
  const log = openSync(logFile(name), "a");
  const child = spawn(nodePath(), [...sourceFlags, entry(name)], {
    cwd: root,
    // Only the gateway is for other machines: the services behind it are called from here.
    env: name === "gateway" ? environment : { ...environment, QUARTET_HOST: "127.0.0.1" },
    detached: true,
    stdio: ["ignore", log, log],
  });
  child.unref();
  closeSync(log);
  return { name, pid: child.pid, port };
}

async function isReady(port, state) {
  for (const end = Date.now() + startLimitMs; Date.now() < end; await sleep(100)) {
    if (!state.every(isAlive)) return false;
    const ready = await fetch(`http://${gatewayHost()}:${port}/readyz`, { signal: AbortSignal.timeout(1000) }).catch(
      () => undefined,
    );
    if (ready?.ok) return true;
  }
  return false;
}

/** Where the gateway is reached from here: an address that stands for all is none to call. */
function gatewayHost() {
  const host = process.env.QUARTET_HOST || "127.0.0.1";
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}

/** Ends the gateway first, so that nothing new reaches the services behind it. */
async function stop() {
  let code = 0;
  for (const service of readState().reverse().filter(isAlive)) {
    process.kill(service.pid, "SIGTERM");
    for (const end = Date.now() + stopLimitMs; isAlive(service) && Date.now() < end;) await sleep(50);
    if (!isAlive(service)) continue;
    console.error(`${service.name} did not stop within ${stopLimitMs / 1000} s and was killed.`);
    process.kill(service.pid, "SIGKILL");
    code = 1;
  }
  rmSync(stateFile, { force: true });
  return code;
}

/** Exit code 0 when all are up, 3 when not, as service managers have it. */
async function status() {
  const state = readState();
  if (state.length === 0) console.log("No services were started here.");
  for (const service of state) {
    const line = `${isAlive(service) ? "up  " : "down"}  127.0.0.1:${service.port}  pid ${service.pid}`;
    console.log(`${service.name.padEnd(12)}${line}  ${path.relative(process.cwd(), logFile(service.name))}`);
  }
  return state.length > 0 && state.every(isAlive) ? 0 : 3;
}

const entry = (name) => path.join(root, "services", name, "src", "main.ts");
const logFile = (name) => path.join(runFolder, `${name}.log`);
const tail = (name) => readFileSync(logFile(name), "utf8").trimEnd().split("\n").slice(-5).join("\n");
const readState = () => (existsSync(stateFile) ? JSON.parse(readFileSync(stateFile, "utf8")) : []);

/** Whether the process is there and is the service: its number may have been given to another process since. */
const isAlive = ({ name, pid }) => commandOf(pid).includes(entry(name));

/** The command line of a process; empty when there is none. */
function commandOf(pid) {
  if (process.platform !== "linux")
    return spawnSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" }).stdout;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

/** The gateway's port. It is tried first: another server on it would answer in the gateway's place when asked whether it is ready. */
async function publicPort() {
  const wanted = process.env.QUARTET_PORT || "8080";
  if (!/^\d{1,5}$/.test(wanted) || Number(wanted) > 65_535)
    throw new Error(`QUARTET_PORT: "${wanted}" is not a whole number from 0 to 65535. Set it to one, or unset it.`);
  return await freePort(Number(wanted)).catch((error) => {
    if (error.code !== "EADDRINUSE") throw error;
    throw new Error(`Port ${wanted} is in use by another process. Stop that one, or set QUARTET_PORT to another port.`);
  });
}

function freePort(wanted = 0) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(wanted, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

try {
  const command = commands[process.argv[2]];
  if (!command) throw new Error("usage: npm run services start|stop|status");
  process.exitCode = await command();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
