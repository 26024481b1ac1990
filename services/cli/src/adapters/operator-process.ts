import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";

/** What an operator does at the gateway's database; from its sources when this is, else as built. */
const tokensMain = fileURLToPath(
  import.meta.url.endsWith(".ts")
    ? new URL("../../../gateway/src/tokens.ts", import.meta.url)
    : new URL("../../../gateway/dist/tokens.js", import.meta.url),
);

/** Runs it under this Node with this Node's flags, on this terminal. */
export async function runOperatorCommand({ config, signal }: Context, args: readonly string[]): Promise<ExitCode> {
  const child = spawn(process.execPath, [...process.execArgv, tokensMain, ...args], {
    env: config.environment,
    stdio: "inherit",
  });
  const forward = () => void child.kill("SIGTERM");
  signal.addEventListener("abort", forward);
  try {
    const [code] = (await once(child, "exit")) as [number | null];
    return code === 0 ? exitCodes.ok : exitCodes.failure;
  } finally {
    signal.removeEventListener("abort", forward);
  }
}
