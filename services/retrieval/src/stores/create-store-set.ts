import type { Telemetry } from "@quartet/service";
import type { WorkerPool } from "@quartet/workers";
import type { StoreConfig } from "../config.ts";
import { createClusterStores } from "./cluster.ts";
import { createEmbeddedStores } from "./embedded.ts";
import type { StoreSet } from "./store-set.ts";

/** Genuine stores where the configuration names them, else those of this process. */
export function createStoreSet(config: StoreConfig, telemetry: Telemetry, workers: WorkerPool): StoreSet {
  const { databaseUrl, elasticsearchUrl } = config;
  if (databaseUrl === undefined || elasticsearchUrl === undefined) {
    return createEmbeddedStores({ ...config, workers, log: telemetry.log });
  }
  return createClusterStores({ ...config, databaseUrl, elasticsearchUrl }, telemetry);
}
