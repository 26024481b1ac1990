import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";

/** What an operator does at the gateway's database, or at the embedding service's models; from its sources when this is, else as built. */
const programs = {
  tokens: programOf("gateway", "tokens"),
  models: programOf("embedding", "models"),
} as const;

export type OperatorProgram = keyof typeof programs;

function programOf(service: string, name: string): string {
  const isSource = import.meta.url.endsWith(".ts");
  const file = isSource ? `src/${name}.ts` : `dist/${name}.js`;
  return fileURLToPath(new URL(`../../../${service}/${file}`, import.meta.url));
}

type Surroundings = Pick<Context, "config" | "signal">;

/**
 * Runs it under this Node with this Node's flags, on this terminal. It tells failures from wrong usage by the codes of this program.
 *
 * @throws the signal's reason when it is aborted before it is done
 */
export async function runOperatorCommand(
  { config, signal }: Surroundings,
  program: OperatorProgram,
  args: readonly string[],
): Promise<ExitCode> {
  const child = start(config, program, args, "inherit");
  const forward = () => void child.kill("SIGTERM");
  signal.addEventListener("abort", forward);
  try {
    const [code] = (await once(child, "exit")) as [number | null];
    if (code === 0) return exitCodes.ok;
    signal.throwIfAborted();
    return code === exitCodes.usage ? exitCodes.usage : exitCodes.failure;
  } finally {
    signal.removeEventListener("abort", forward);
  }
}

/**
 * Runs it for what it prints.
 *
 * @throws {Error} with what it said where it failed; the signal's reason when it is aborted.
 */
export async function readOperatorCommand(
  { config, signal }: Surroundings,
  program: OperatorProgram,
  args: readonly string[],
): Promise<string> {
  const child = start(config, program, args, "pipe");
  const forward = () => void child.kill("SIGTERM");
  signal.addEventListener("abort", forward);
  try {
    const ended = once(child, "close") as Promise<[number | null]>;
    const [output, complaint, [code]] = await Promise.all([text(child.stdout!), text(child.stderr!), ended]);
    signal.throwIfAborted();
    if (code !== 0) throw new Error(complaint.trim());
    return output;
  } finally {
    signal.removeEventListener("abort", forward);
  }
}

const start = (
  config: Context["config"],
  program: OperatorProgram,
  args: readonly string[],
  output: "inherit" | "pipe",
) =>
  spawn(process.execPath, [...process.execArgv, programs[program], ...args], {
    env: config.environment,
    stdio: [output === "inherit" ? "inherit" : "ignore", output, output],
  });
