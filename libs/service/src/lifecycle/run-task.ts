import type { Environment } from "../config/reading.ts";
import { createProcessLog } from "./process-log.ts";
import type { ProcessLike } from "./run-main.ts";
import { StartError, UsageError } from "./start-error.ts";

export interface TaskContext {
  /** Aborted by SIGTERM and SIGINT. */
  readonly signal: AbortSignal;
  /** Writes a line to standard output. */
  readonly print: (line: string) => void;
}

export interface RunTaskOptions {
  /** Default: Node's own. */
  readonly process?: ProcessLike & { readonly stdout: { write(text: string): unknown } };
}

/**
 * Runs a process that does one thing and ends, as the one statement of its file: exit 0 when it is done, 1 when it failed or was stopped, 2 when what
 * was asked for makes no sense (UsageError). A StartError is shown as its lines, on stderr. Resolves with the exit code (tests; a real process has ended).
 */
export async function runTask(
  task: (environment: Environment, context: TaskContext) => Promise<void>,
  { process = globalThis.process }: RunTaskOptions = {},
): Promise<number> {
  const stopped = new AbortController();
  const onSignal = () => stopped.abort(new StartError("Stopped before it was done. Run it again."));
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  let code = 0;
  try {
    await task(process.env, { signal: stopped.signal, print: (line) => process.stdout.write(`${line}\n`) });
  } catch (error) {
    code = error instanceof UsageError ? 2 : 1;
    if (error instanceof StartError) process.stderr.write(`${error.message}\n`);
    else createProcessLog(process.stderr).fatal({ err: error }, "failed");
  }
  process.off("SIGTERM", onSignal);
  process.off("SIGINT", onSignal);
  process.exit(code);
  return code;
}
