import { type AddressInfo, createServer } from "node:net";
import { sourceFlags, startNode } from "./processes.ts";

/** Runs a command of the gateway to its end, and gives what it printed. @throws when it fails */
export async function runGatewayCommand(file: string, args: readonly string[], databaseUrl: string): Promise<string> {
  const child = startNode([...sourceFlags, `services/gateway/src/${file}`, ...args], { DATABASE_URL: databaseUrl });
  if ((await child.ended) !== 0) throw new Error(child.stderr());
  return child.stdout().trim();
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
