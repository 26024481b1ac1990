import { type ChildProcessByStdio, spawn, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** A server to be measured. */
export interface Subject {
  readonly name: string;
  readonly url: string;
  /** The path that answers `{"query": ...}`. */
  readonly searchPath: string;
  readonly putPath: string;
  /** All its processes. */
  readonly pids: readonly number[];
  /** What they are, in the same order. */
  readonly processNames: readonly string[];
  /** From the first process's start until it answers, in milliseconds. */
  readonly startMs: number;
  stop(): Promise<void>;
}

export interface SubjectOptions {
  /** Where lag-probe.ts, loaded into every process, writes what it is asked for. Default: it is not loaded. */
  readonly lagProbeFolder?: string;
  /** Where memory-probe.ts, loaded into every process, writes what it is asked for. Default: it is not loaded. */
  readonly memoryProbeFolder?: string;
  /** Variables for all processes beside the usual ones. */
  readonly environment?: NodeJS.ProcessEnv;
}

const root = fileURLToPath(new URL("../../..", import.meta.url));
const sourceFlags = ["--conditions=@quartet/source", "--disable-warning=ExperimentalWarning"];
const gatewayPaths = {
  searchPath: "/quartet.gateway.v1.SearchService/SearchPassages",
  putPath: "/quartet.gateway.v1.DocumentService/PutDocuments",
};
const startLimitMs = 120_000;
const stopLimitMs = 30_000;

/** The environment without what would change the measurement, such as a key or another embedder. */
function cleanEnvironment(dataFolder: string): NodeJS.ProcessEnv {
  const ours = /^(QUARTET_|OPENAI_|RAG_|OTEL_)/;
  const rest = Object.entries(process.env).filter(([name]) => !ours.test(name));
  // Searches are measured, not what is left of them where the result of an equal one is kept.
  const uncached = { QUARTET_SEARCH_CACHE_ENTRIES: "0" };
  return { ...Object.fromEntries(rest), ...uncached, QUARTET_DATA_DIR: dataFolder, QUARTET_PORT: "0" };
}

/** The same search without hops. See floor.ts. */
export const startFloor = (folder: string): Promise<Subject> =>
  startProcess("floor", folder, {
    args: ["--expose-gc", path.join(root, "deploy/bench/src/floor.ts"), folder],
    paths: { searchPath: "/search", putPath: "/documents" },
  });

/** All services in one process, as `npm start` runs them. */
export const startStandalone = (folder: string, options: SubjectOptions = {}): Promise<Subject> =>
  startProcess("standalone", folder, {
    args: [path.join(root, "services/standalone/src/main.ts")],
    paths: gatewayPaths,
    ...options,
  });

/** A process that does nothing. */
export const startIdle = (folder: string, options: SubjectOptions): Promise<Subject> =>
  startProcess("idle", folder, {
    args: [path.join(root, "deploy/bench/src/lag-idle.ts")],
    paths: gatewayPaths,
    ...options,
  });

export interface ProcessPlan extends SubjectOptions {
  readonly args: readonly string[];
  readonly paths: Pick<Subject, "searchPath" | "putPath">;
}

/** A process that says where it listens. */
export async function startProcess(
  name: string,
  folder: string,
  { args, paths, ...options }: ProcessPlan,
): Promise<Subject> {
  const began = performance.now();
  const { child, end, logFile } = launch(name, folder, args, options);
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /listening on (http:\S+)/.exec(line)?.[1];
    if (url === undefined) continue;
    child.stdout.resume();
    const startMs = performance.now() - began;
    return { name, url, ...paths, pids: [child.pid ?? 0], processNames: [name], startMs, stop: end };
  }
  throw new Error(`${name} did not start:\n${readFileSync(logFile, "utf8").slice(-2000)}`);
}

const inner = ["embedding", "retrieval", "compression", "generation"] as const;

/** The five services as processes of their own over gRPC on loopback, as `npm run services start` runs them. */
export async function startServices(folder: string, options: SubjectOptions = {}): Promise<Subject> {
  const began = performance.now();
  const ports = await Promise.all([...inner, "gateway"].map(freePort));
  const addressed: NodeJS.ProcessEnv = { ...options.environment, QUARTET_PORT: String(ports.at(-1)) };
  inner.forEach((name, index) => {
    addressed[`QUARTET_${name.toUpperCase()}_PORT`] = String(ports[index]);
    addressed[`QUARTET_${name.toUpperCase()}_ADDRESS`] = `127.0.0.1:${ports[index]}`;
  });
  const processNames = [...inner, "gateway"];
  const processes = processNames.map((name) =>
    launch(name, folder, [path.join(root, `services/${name}/src/main.ts`)], { ...options, environment: addressed }),
  );
  const stop = async () => {
    // The gateway first, so that nothing new reaches the services behind it.
    for (const each of processes.toReversed()) await each.end();
  };
  const url = `http://127.0.0.1:${ports.at(-1)}`;
  try {
    await ready(url);
  } catch (error) {
    await stop();
    throw error;
  }
  const pids = processes.map(({ child }) => child.pid ?? 0);
  return { name: "services", url, ...gatewayPaths, pids, processNames, startMs: performance.now() - began, stop };
}

async function ready(url: string): Promise<void> {
  for (const end = performance.now() + startLimitMs; performance.now() < end; await sleep(50)) {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(1000) }).catch(() => undefined);
    await response?.body?.cancel();
    if (response?.ok === true) return;
  }
  throw new Error(`the services were not ready within ${startLimitMs / 1000} s`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

interface Launched {
  readonly child: ChildProcessByStdio<null, Readable, null>;
  /** Ends the process, by force when it takes too long. */
  end(): Promise<void>;
  readonly logFile: string;
}

function launch(
  name: string,
  folder: string,
  args: readonly string[],
  { environment = {}, lagProbeFolder, memoryProbeFolder }: SubjectOptions = {},
): Launched {
  mkdirSync(folder, { recursive: true });
  const logFile = path.join(folder, `${name}.log`);
  const log = openSync(logFile, "a");
  const env = {
    ...{ ...cleanEnvironment(folder), ...environment },
    ...{ LAG_PROBE_FOLDER: lagProbeFolder, MEMORY_PROBE_FOLDER: memoryProbeFolder },
  };
  const probe = [
    ...(lagProbeFolder === undefined ? [] : ["--import", new URL("lag-probe.ts", import.meta.url).href]),
    ...(memoryProbeFolder === undefined
      ? []
      : ["--expose-gc", "--import", new URL("memory-probe.ts", import.meta.url).href]),
  ];
  const options = { cwd: root, env, stdio: ["ignore", "pipe", log] } satisfies SpawnOptions;
  // Node's types know what pipes make, and not what a file among them does.
  const child = spawn(process.execPath, [...sourceFlags, ...probe, ...args], options) as Launched["child"];
  closeSync(log);
  const ended = once(child, "exit");
  return {
    child,
    logFile,
    async end() {
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), stopLimitMs);
      await ended;
      clearTimeout(late);
    },
  };
}
