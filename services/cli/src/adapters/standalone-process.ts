import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The whole of Quartet in one process; from its sources when this is, else as built. */
const standaloneMain = fileURLToPath(
  import.meta.url.endsWith(".ts")
    ? new URL("../../../standalone/src/main.ts", import.meta.url)
    : new URL("../../../standalone/dist/main.js", import.meta.url),
);

export interface ChildOptions {
  readonly environment: NodeJS.ProcessEnv;
  readonly stdio: "inherit" | "capture";
}

/**
 * Starts standalone under this Node with this Node's flags. In a process group of its own: a terminal's Ctrl-C reaches this process only,
 * which decides when the child hears of it.
 */
export function spawnStandalone({ environment, stdio }: ChildOptions): ChildProcess {
  const child = spawn(process.execPath, [...process.execArgv, standaloneMain], {
    env: environment,
    stdio: stdio === "inherit" ? "inherit" : ["ignore", "pipe", "pipe"],
    detached: true,
  });
  // However this process ends, short of kill -9, the child does not outlive it.
  const end = () => void child.kill("SIGKILL");
  process.once("exit", end);
  child.once("exit", () => process.off("exit", end));
  return child;
}

/** A server for the time of one command. */
export interface ThrowAwayServer {
  readonly url: string;
  /** The last lines of its log. */
  readonly log: readonly string[];
  /** Ends it, by force where it does not end in time. */
  stop(): Promise<void>;
}

const startLimitMs = 30_000;
const stopLimitMs = 10_000;
const keptLogLines = 20;

/**
 * Starts a server and waits until it listens.
 *
 * @throws {Error} with the last lines of its log, if it ends or does not listen within 30 s
 */
export async function startThrowAwayServer(
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<ThrowAwayServer> {
  const child = spawnStandalone({ environment, stdio: "capture" });
  const log: string[] = [];
  if (child.stderr) {
    createInterface({ input: child.stderr }).on("line", (line) => {
      log.push(line);
      if (log.length > keptLogLines) log.shift();
    });
  }
  const stop = () => stopChild(child);
  try {
    const url = await listeningOn(child, AbortSignal.any([signal, AbortSignal.timeout(startLimitMs)]));
    return { url, log, stop };
  } catch (error) {
    await stop();
    signal.throwIfAborted();
    throw new Error(["The throw-away server did not start. The end of its log:", ...log].join("\n"), { cause: error });
  }
}

/** The address, from the line in which the server says that it is up. */
async function listeningOn(child: ChildProcess, signal: AbortSignal): Promise<string> {
  const output = child.stdout;
  if (!output) throw new Error("The server's output is not captured.");
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const onAbort = () => reject(signal.reason as Error);
  signal.addEventListener("abort", onAbort);
  child.once("error", reject);
  child.once("exit", () => reject(new Error("It ended.")));
  createInterface({ input: output }).on("line", (line) => {
    const url = /listening on (http:\S+)/.exec(line)?.[1];
    if (url !== undefined) resolve(url);
  });
  if (signal.aborted) onAbort();
  return promise.finally(() => signal.removeEventListener("abort", onAbort));
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const force = setTimeout(() => child.kill("SIGKILL"), stopLimitMs);
  await ended;
  clearTimeout(force);
}
