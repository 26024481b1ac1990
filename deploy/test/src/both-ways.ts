import { readdir, readFile } from "node:fs/promises";
import { startStandalone, runNode, temporaryFolder } from "./processes.ts";

/** Quartet as users run it, with a model provider. */
export interface Product extends AsyncDisposable {
  readonly url: string;
  /** Its data, and the logs of five processes. */
  readonly folder: string;
  /** All that its processes have written to standard output and error so far. */
  output(): Promise<string>;
}

/** One process. */
export async function startOneProcess(env: NodeJS.ProcessEnv): Promise<Product> {
  const data = await temporaryFolder();
  const running = await startStandalone({ QUARTET_DATA_DIR: data.path, ...env });
  return {
    url: running.url,
    folder: data.path,
    output: async () => running.stdout() + running.stderr(),
    async [Symbol.asyncDispose]() {
      await running.stop();
      await data[Symbol.asyncDispose]();
    },
  };
}

/** `npm run services`: five processes over gRPC. */
export async function startFiveProcesses(env: NodeJS.ProcessEnv): Promise<Product> {
  const data = await temporaryFolder();
  const command = (name: string) =>
    runNode(["deploy/local/services.mjs", name], { QUARTET_PORT: "0", QUARTET_DATA_DIR: data.path, ...env });
  const stop = async () => {
    await command("stop");
    await data[Symbol.asyncDispose]();
  };
  const { code, stdout, stderr } = await command("start");
  const [, address] = /gateway +up +(\S+)/.exec(stdout) ?? [];
  if (code !== 0 || address === undefined) {
    await stop();
    throw new Error(`${stdout}\n${stderr}`);
  }
  return {
    url: `http://${address}`,
    folder: data.path,
    output: async () => stdout + stderr + (await readLogs(`${data.path}/run`)),
    [Symbol.asyncDispose]: stop,
  };
}

/** Both, for `describe.each`. */
export const bothWays = [
  ["one process", startOneProcess],
  ["five processes", startFiveProcesses],
] as const;

async function readLogs(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".log"));
  return (await Promise.all(names.map((name) => readFile(`${folder}/${name}`, "utf8")))).join("\n");
}
