import type { Logger } from "@quartet/telemetry";
import type { WorkerPool } from "@quartet/workers";
import { type EmbeddedStore, openEmbeddedStore } from "../adapters/embedded/open.ts";
import { unguarded } from "../domain/search-legs.ts";
import { portsOf, type StoreSet } from "./store-set.ts";

/** Everything in one folder, in this process. `start` throws DataFolderError. */
export function createEmbeddedStores({
  dataDir,
  workers,
  log,
}: {
  readonly dataDir: string;
  readonly workers: WorkerPool;
  readonly log: Logger;
}): StoreSet {
  let opened: EmbeddedStore | undefined;
  return {
    stores: portsOf(() => opened),
    guards: unguarded(),
    async start(signal) {
      const started = performance.now();
      opened = await openEmbeddedStore({ folder: dataDir, signal, workers });
      const elapsed = () => ({ durationMs: Math.round(performance.now() - started) });
      log.info(elapsed(), "record store opened");
      opened.vectorsRead.then(
        () => log.info(elapsed(), "vectors read: searches no longer wait for them"),
        (error: unknown) => log.error({ err: error }, "vectors could not be read: searches go without them"),
      );
    },
    async close() {
      const closing = opened;
      opened = undefined;
      await closing?.close();
    },
  };
}
