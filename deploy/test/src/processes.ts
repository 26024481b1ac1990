import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout. */
export const root = fileURLToPath(new URL("../../..", import.meta.url));

export const sourceFlags = ["--conditions=@quartet/source", "--disable-warning=ExperimentalWarning"];

/** A process under test, with all it has written. */
export interface Running {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves with the exit code; of a process that a signal ended, with undefined. */
  readonly ended: Promise<number | undefined>;
  /** Resolves with the first match in standard output; rejects when the process ends, or the time is up, without one. */
  waitFor(pattern: RegExp, options?: { readonly timeoutMs?: number }): Promise<RegExpExecArray>;
  /** Sends the signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<number | undefined>;
  /** Ends it and all that it started, at once. */
  kill(): Promise<void>;
}

/** Environment variables that would change what the project does are taken away; the given ones are added. */
export function cleanEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const ours = /^(QUARTET_|OPENAI_|RAG_|DATABASE_URL$|ELASTICSEARCH_URL$|REDIS_URL$|OTEL_)/;
  return { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name))), ...extra };
}

/** Starts a program of the checkout with the Node that runs the tests. */
export function startNode(args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: cleanEnvironment(env),
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that what it started can be ended with it.
    detached: true,
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = once(child, "close").then(([code]) => (code as number | null) ?? undefined);
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    async waitFor(pattern, { timeoutMs = 30_000 } = {}) {
      const end = Date.now() + timeoutMs;
      for (let over = false; ;) {
        const match = pattern.exec(stdout);
        if (match) return match;
        if (over || Date.now() > end) throw new Error(`no ${pattern} in:\n${stdout}\n${stderr}`);
        over = await Promise.race([
          ended.then(() => true),
          new Promise<false>((resolve) => setTimeout(resolve, 20, false)),
        ]);
      }
    },
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      return await ended;
    },
    async kill() {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      } catch {
        // The group is gone already.
      }
      await ended;
    },
  };
}

/** Standalone on a free port. */
export async function startStandalone(env: NodeJS.ProcessEnv): Promise<Running & { readonly url: string }> {
  const running = startNode([...sourceFlags, "services/standalone/src/main.ts"], { QUARTET_PORT: "0", ...env });
  const [, url = ""] = await running.waitFor(/listening on (http:\S+)/);
  return { ...running, url };
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A folder that is removed when the scope is left. */
export async function temporaryFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const folder = await mkdtemp(path.join(tmpdir(), "quartet-test-"));
  return { path: folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

/** Runs a program of the checkout to its end. */
export async function runNode(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ readonly code: number | undefined; readonly stdout: string; readonly stderr: string }> {
  const running = startNode(args, env);
  const code = await running.ended;
  return { code, stdout: running.stdout(), stderr: running.stderr() };
}

/** Brings an empty database to what the services need. */
export async function migrateDatabase(url: string): Promise<void> {
  for (const service of ["retrieval", "gateway", "generation"]) {
    const program = `services/${service}/src/migrate.ts`;
    const { code, stderr } = await runNode([...sourceFlags, program], { DATABASE_URL: url });
    if (code !== 0) throw new Error(stderr);
  }
}

/** The `quartet` command. */
export const quartet = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  runNode([...sourceFlags, "services/cli/src/main.ts", ...args], env);
