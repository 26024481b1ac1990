import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll } from "@jest/globals";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const compileCache = fileURLToPath(new URL("../../../node_modules/.cache/quartet", import.meta.url));
const flags = ["--conditions=@quartet/source", "--disable-warning=ExperimentalWarning"];

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
}

/** What a test that failed half-way has left running. */
const running = new Set<ChildProcess>();
afterAll(() => running.forEach((child) => child.kill("SIGKILL")));

/** Starts the command line as a process of its own, as a script would: nothing is a terminal. */
export function startQuartet(args: readonly string[], { env = {}, cwd }: RunOptions = {}) {
  const { PATH = "", HOME = "" } = process.env;
  const child: ChildProcess = spawn(process.execPath, [...flags, main, ...args], {
    env: { PATH, HOME, NODE_COMPILE_CACHE: compileCache, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    ...(cwd && { cwd }),
  });
  running.add(child);
  child.once("close", () => running.delete(child));
  const output = { stdout: "", stderr: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  const ended: Promise<Ended> = once(child, "close").then(([code]) => ({ code: code as number | null, ...output }));
  return { child, output, ended };
}

export const runQuartet = (args: readonly string[], options?: RunOptions): Promise<Ended> =>
  startQuartet(args, options).ended;
