import { CommanderError } from "commander";
import { createQuartetClient, type QuartetClient } from "@quartet/client";
import { createTerminal } from "./adapters/terminal.ts";
import { checkedToken, checkedUrl, type Config, ConfigError, parseConfig } from "./config.ts";
import type { Context } from "./context.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { listenForInterruption, type SignalSource } from "./interruption.ts";
import { createProgram, type Run } from "./program.ts";
import { reportError } from "./report-error.ts";

/** The process the command line runs in. */
export type CliProcess = Pick<NodeJS.Process, "argv" | "env" | "stdout" | "stderr" | "cwd"> & SignalSource;

/** The composition root: runs one command and says how it ended. Nothing is thrown. */
export async function runCli(process: CliProcess): Promise<ExitCode> {
  const { argv, env, stdout, stderr } = process;
  // A reader such as `head` that has seen enough is no failure.
  stdout.on("error", (error: NodeJS.ErrnoException) =>
    process.exit(error.code === "EPIPE" ? exitCodes.ok : exitCodes.failure),
  );
  const interruption = listenForInterruption(process);
  let exitCode: ExitCode = exitCodes.ok;
  const run: Run = async (flags, command) => {
    const context = createContext(process, parseConfig(env, process.cwd()), flags, interruption.signal);
    try {
      exitCode = await command(context);
    } catch (error) {
      exitCode = reportError(error, context);
    }
  };
  try {
    await createProgram(run, { stdout, stderr }).parseAsync(argv);
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (!(error instanceof ConfigError)) throw error;
    stderr.write(`${error.message}\n`);
    return exitCodes.usage;
  } finally {
    interruption.stop();
  }
}

function createContext(
  process: CliProcess,
  config: Config,
  { server: given, token: givenToken, json = false, timeout }: Parameters<Run>[0],
  signal: AbortSignal,
): Context {
  const token = checkedToken("--token", givenToken) ?? config.token;
  const server = given === undefined ? config.server : checkedUrl("--server", given);
  let client: QuartetClient | undefined;
  return {
    config,
    server,
    serverGiven: given !== undefined,
    token,
    json,
    terminal: createTerminal({ stdout: process.stdout, stderr: process.stderr, quiet: json }),
    signal,
    workingDirectory: process.cwd(),
    client: () =>
      (client ??= createQuartetClient({ baseUrl: server, timeoutMs: timeout * 1000, ...(token && { token }) })),
  };
}
