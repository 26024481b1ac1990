import { sourceFlags, startNode } from "./processes.ts";

/** Runs a command of the gateway to its end, and gives what it printed. @throws when it fails */
export async function runGatewayCommand(file: string, args: readonly string[], databaseUrl: string): Promise<string> {
  const child = startNode([...sourceFlags, `services/gateway/src/${file}`, ...args], { DATABASE_URL: databaseUrl });
  if ((await child.ended) !== 0) throw new Error(child.stderr());
  return child.stdout().trim();
}
