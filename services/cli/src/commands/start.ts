import { once } from "node:events";
import path from "node:path";
import { spawnStandalone } from "../adapters/standalone-process.ts";
import { checkedPort } from "../config.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";

export interface StartOptions {
  readonly port?: string;
  readonly dataDir?: string;
}

/** `quartet start`: standalone with this terminal, until it ends. Its exit code is ours, as far as ours go. */
export async function start({ config, workingDirectory, signal }: Context, options: StartOptions): Promise<ExitCode> {
  const environment = { ...config.environment };
  if (options.port !== undefined) environment["QUARTET_PORT"] = String(checkedPort("--port", options.port));
  environment["QUARTET_DATA_DIR"] = options.dataDir ? path.resolve(workingDirectory, options.dataDir) : config.dataDir;
  const child = spawnStandalone({ environment, stdio: "inherit" });
  const forward = () => void child.kill("SIGTERM");
  signal.addEventListener("abort", forward);
  const [code] = (await once(child, "exit")) as [number | null];
  signal.removeEventListener("abort", forward);
  return code === 0 ? exitCodes.ok : exitCodes.failure;
}
