import { type ChildProcess, fork } from "node:child_process";
import { finished } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import type { Reply, Request } from "./protocol.ts";

/** A process that answers requests one at a time. */
export interface ModelProcess {
  /**
   * The reply to one request, of which there is one at a time. A process that does not answer in time is killed.
   *
   * @throws {ModelProcessError} when it ended, or was killed, before it answered
   */
  ask(request: Request, limitMs: number): Promise<Reply>;
  /** Resolves when it has ended, however that came. */
  readonly ended: Promise<void>;
  /** The last of what it wrote to standard error; for logs. */
  readonly lastWords: string;
  /** For tests and logs. */
  readonly pid: number | undefined;
  /** Ends it: at once where it computes nothing, else by force. */
  end(): Promise<void>;
}

/** The process ended, or had to be ended, before it answered. */
export class ModelProcessError extends Error {
  override readonly name = "ModelProcessError";
}

const isSource = import.meta.url.endsWith(".ts");
const program = fileURLToPath(new URL(isSource ? "./inference-process.ts" : "./inference-process.js", import.meta.url));
const sourceFlags = ["--conditions=@quartet/source", "--disable-warning=ExperimentalWarning"];

const END_LIMIT_MS = 1_000;
const MAX_LAST_WORDS = 2_000;

/**
 * Starts the process. It is a process and not a thread: a thread that is ended while the runtime computes takes the whole process with it (seen with
 * onnxruntime-node 1.30), and so does a fault in native code.
 */
export function startModelProcess(file: string = program): ModelProcess {
  const child = fork(file, [], {
    execArgv: isSource ? sourceFlags : [],
    // Vectors travel as they lie in memory.
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let lastWords = "";
  child.stderr
    ?.setEncoding("utf8")
    .on("data", (text: string) => (lastWords = (lastWords + text).slice(-MAX_LAST_WORDS)));
  const ended = whenEnded(child);
  let hasEnded = false;
  // Kept here and not by a reaction to `ended` for each request: those, and with them all replies, would be held as long as the process lives.
  let giveUp = () => {};
  void ended.then(() => {
    hasEnded = true;
    giveUp();
  });
  return {
    ended,
    pid: child.pid,
    get lastWords() {
      return lastWords;
    },
    ask: async (request, limitMs) => {
      if (hasEnded) throw new ModelProcessError("it had ended");
      const { promise, resolve, reject } = Promise.withResolvers<Reply>();
      const timer = setTimeout(() => {
        child.kill("SIGKILL");
        reject(new ModelProcessError("it did not answer in time"));
      }, limitMs);
      giveUp = () => reject(new ModelProcessError("it ended"));
      child.once("message", resolve);
      // A pipe that broke tells by the end of the process.
      child.send(request, () => {});
      try {
        return await promise;
      } finally {
        clearTimeout(timer);
        giveUp = () => {};
        child.off("message", resolve);
      }
    },
    end: async () => {
      if (child.connected) child.disconnect();
      const force = setTimeout(() => child.kill("SIGKILL"), END_LIMIT_MS);
      await ended;
      clearTimeout(force);
    },
  };
}

/** After it is gone, and all that it wrote has been read. Node's own event for this never comes where the parent has closed the channel. */
async function whenEnded(child: ChildProcess): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once("exit", () => resolve());
  // It could not be started at all, or could not be told something.
  child.on("error", () => {
    if (child.pid === undefined) resolve();
  });
  const read = child.stderr === null ? undefined : finished(child.stderr).catch(() => {});
  await promise;
  await read;
}
