import { runNode, temporaryFolder } from "./processes.ts";

export type OwnStore = "postgres" | "elasticsearch" | "redis";

/** Genuine stores that a test may stop and start, by the command that operators use. They keep their addresses and their data. */
export interface OwnStores extends AsyncDisposable {
  /** DATABASE_URL, ELASTICSEARCH_URL and REDIS_URL. */
  readonly urls: Readonly<Record<string, string>>;
  stop(store: OwnStore): Promise<void>;
  start(store: OwnStore): Promise<void>;
}

/** Starts a set of its own with data that survives a stop; all of it is deleted at the end. */
export async function startOwnStores(): Promise<OwnStores> {
  const folder = await temporaryFolder();
  const run = async (...args: readonly string[]) => {
    const environment = {
      QUARTET_STORES_DIR: folder.path,
      QUARTET_STORES_ELASTICSEARCH_HEAP: "512m",
      // It is started several times and asked little.
      QUARTET_STORES_ELASTICSEARCH_JAVA_OPTIONS: "-XX:TieredStopAtLevel=1",
    };
    const { code, stdout, stderr } = await runNode(["deploy/local/stores.mjs", ...args], environment);
    if (code !== 0) throw new Error(stderr);
    return stdout;
  };
  const close = async () => {
    await run("wipe");
    await folder[Symbol.asyncDispose]();
  };
  try {
    const lines = (await run("start")).trim().split("\n");
    const urls = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
    return {
      urls,
      stop: async (store) => void (await run("stop", store)),
      start: async (store) => {
        const [line = ""] = (await run("start", store)).trim().split("\n");
        if (!Object.values(urls).some((url) => line.endsWith(`=${url}`)))
          throw new Error(`${store} came back elsewhere`);
      },
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
