/** Servers that outlive the command that started them, found again by number and time of birth. Linux only, as all of this folder. */
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * What tells a process from a later one with the same number.
 * @returns {string | undefined} undefined where there is none
 */
function birthOf(pid) {
  try {
    // The name, in brackets, may hold anything; the 20th field after it counts ticks from the machine's start.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1).split(" ");
    if (fields[0] === "Z") return undefined;
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${fields[19]}`;
  } catch {
    return undefined;
  }
}

/** @returns {{ pid: number, birth: string | undefined }} what to keep of a process that has just been started */
export const identify = (pid) => ({ pid, birth: birthOf(pid) });

/** Whether the very process is there. */
export const isAlive = ({ pid, birth }) => birth !== undefined && birthOf(pid) === birth;

/**
 * Ends processes: the first is told to, and the others follow it; what is still there after the limit is killed.
 *
 * @param {{ pid: number, birth: string | undefined }[]} processes
 * @param {{ signal: NodeJS.Signals, lastSignal: NodeJS.Signals, limitMs: number }} options
 * @returns {Promise<boolean>} whether they ended by themselves
 */
export async function end(processes, { signal, lastSignal, limitMs }) {
  const first = processes.find(isAlive);
  if (!first) return true;
  process.kill(first.pid, signal);
  const areEnded = await areGone(processes, limitMs);
  for (const { pid } of processes.filter(isAlive)) process.kill(pid, lastSignal);
  await areGone(processes, 10_000);
  for (const { pid } of processes) killGroup(pid);
  return areEnded;
}

/** Each server leads a group of its own; a helper that it had started, and that outlived it, is still in that. */
function killGroup(pid) {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The usual case: nobody is left, or the number leads no group.
  }
}

async function areGone(processes, limitMs) {
  for (const until = Date.now() + limitMs; processes.some(isAlive); await sleep(50))
    if (Date.now() > until) return false;
  return true;
}

/**
 * Starts a server in a session of its own, its output in a file.
 *
 * @param {string[]} command
 * @param {{ account: import("./account.mjs").Account, cwd: string, env: NodeJS.ProcessEnv, logFile: string }} options
 * @returns {number} its process number
 */
export function launch(command, { account, cwd, env, logFile }) {
  const [program, ...args] = [...account.prefix, ...command];
  const log = openSync(logFile, "a");
  const child = spawn(program, args, { ...account.ids, cwd, env, detached: true, stdio: ["ignore", log, log] });
  child.on("error", () => undefined);
  child.unref();
  closeSync(log);
  if (child.pid === undefined) throw new Error(`${program} could not be started`);
  return child.pid;
}

/**
 * Runs a command to its end.
 *
 * @param {string[]} command
 * @param {import("node:child_process").SpawnOptions & { account?: import("./account.mjs").Account, limitMs?: number }} options
 * @returns {Promise<string>} its standard output; rejects with the last lines it wrote
 */
export async function outputOf(command, { account, limitMs = 60_000, ...options } = {}) {
  const [program, ...args] = [...(account?.prefix ?? []), ...command];
  const signal = AbortSignal.timeout(limitMs);
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], ...account?.ids, ...options, signal });
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text) => (stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text) => (stderr += text));
  const code = await new Promise((resolve, reject) => {
    child.once("error", (error) =>
      reject(signal.aborted ? new Error(`${program} was not done within ${limitMs / 1000} s`) : error),
    );
    child.once("close", resolve);
  });
  if (code === 0) return stdout;
  throw new Error(`${program} ended with ${code}:\n${lastLines(stdout + stderr)}`);
}

/** The end of a log, for a message. */
export const tailOf = (file) => (existsSync(file) ? lastLines(readFileSync(file, "utf8")) : "");

const lastLines = (text) => text.trimEnd().split("\n").slice(-15).join("\n");

/**
 * A port of loopback that is free now: the wanted one where it can be had, so that a store keeps its address over a restart.
 * @param {number} [wanted]
 */
export async function freePort(wanted = 0) {
  return (await tryPort(wanted)) ?? (await tryPort(0));
}

function tryPort(wanted) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen(wanted, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
