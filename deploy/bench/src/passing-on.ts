import path from "node:path";
import { fileURLToPath } from "node:url";
import type { FakeBehaviour } from "@quartet/fake-provider";
import { startProcess, startServices, startStandalone, type Subject } from "./subjects.ts";

/** A model provider, and what passes chats on to it. */
export interface PassingOn extends AsyncDisposable {
  readonly provider: Subject;
  /** See bare-proxy.ts. */
  readonly proxy: Subject;
  readonly standalone: Subject;
  readonly services: Subject;
}

export interface PassingOnOptions {
  /** Where the stores are made; the caller removes it. */
  readonly folder: string;
  readonly behaviour: FakeBehaviour;
  /** Services have a connection to the provider for each of so many calls at once. */
  readonly connections: number;
  readonly signal: AbortSignal;
}

/** Starts them one after the other; what runs already is stopped where one does not start, or the signal is aborted meanwhile. */
export async function startPassingOn(options: PassingOnOptions): Promise<PassingOn> {
  const { folder, behaviour, connections, signal } = options;
  await using open = new AsyncDisposableStack();
  const start = async (starting: Promise<Subject>): Promise<Subject> => {
    const subject = await starting;
    open.defer(() => subject.stop());
    signal.throwIfAborted();
    return subject;
  };
  const provider = await start(startProvider(path.join(folder, "provider"), behaviour));
  const environment = { environment: atProvider(provider.url, connections) };
  const proxy = await start(startBare("proxy", path.join(folder, "proxy"), "bare-proxy.ts", provider.url));
  const standalone = await start(startStandalone(path.join(folder, "standalone"), environment));
  const services = await start(startServices(path.join(folder, "services"), environment));
  const started = open.move();
  return {
    ...{ provider, proxy, standalone, services },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

/** Two processes that do nothing but pass on, over gRPC. See bare-hop.ts. */
export async function startHop(folder: string, providerUrl: string): Promise<Subject> {
  const back = await startBare("back", folder, "bare-hop.ts", "back", providerUrl);
  try {
    const front = await startBare("front", folder, "bare-hop.ts", "front", new URL(back.url).host);
    return {
      ...front,
      name: "hop",
      pids: [...back.pids, ...front.pids],
      processNames: [...back.processNames, ...front.processNames],
      stop: async () => {
        await front.stop();
        await back.stop();
      },
    };
  } catch (error) {
    await back.stop();
    throw error;
  }
}

/** A model provider that answers as it is told, and knows nothing. See model-provider.ts. */
const startProvider = (folder: string, behaviour: FakeBehaviour): Promise<Subject> =>
  startBare("provider", folder, "model-provider.ts", JSON.stringify(behaviour));

/** A program of this folder that has neither searches nor documents. */
const startBare = (name: string, folder: string, program: string, ...args: readonly string[]): Promise<Subject> =>
  startProcess(name, folder, {
    args: [fileURLToPath(new URL(program, import.meta.url)), ...args],
    paths: { searchPath: "", putPath: "" },
  });

/** What makes services ask this provider, with three keys. */
const atProvider = (providerUrl: string, connections: number): NodeJS.ProcessEnv => ({
  OPENAI_BASE_URL: `${providerUrl}/v1`,
  OPENAI_CONNECTION_POOL_SIZE: String(connections),
  ...Object.fromEntries([1, 2, 3].map((number) => [`OPENAI_API_KEY_${number}`, `sk-bench-${number}`])),
});
