import { Code } from "@connectrpc/connect";
import { DocumentService } from "@quartet/contracts/retrieval/v1/document_service";
import { IndexService } from "@quartet/contracts/retrieval/v1/index_service";
import { RetrievalService } from "@quartet/contracts/retrieval/v1/retrieval_service";
import { quartetError } from "@quartet/errors";
import type { ServiceModule } from "@quartet/rpc";
import { type App, createServiceApp } from "@quartet/service";
import type { Logger } from "@quartet/telemetry";
import { type EmbeddedStore, openEmbeddedStore } from "./adapters/embedded/open.ts";
import type { Config } from "./config.ts";
import type { LegOutcome } from "./domain/leg.ts";
import { createSearcher, type Source } from "./domain/search.ts";
import type { Stores } from "./domain/stores.ts";
import { createActivateSpace } from "./handlers/activate-space.ts";
import { createDeleteDocuments } from "./handlers/delete-documents.ts";
import { createListCollections } from "./handlers/list-collections.ts";
import { createListDocuments } from "./handlers/list-documents.ts";
import { createListPassagesWithoutVector } from "./handlers/list-passages-without-vector.ts";
import { createPutDocuments } from "./handlers/put-documents.ts";
import { createPutVectors } from "./handlers/put-vectors.ts";
import { createSearchPassages } from "./handlers/search-passages.ts";

export { parseConfig, variables } from "./config.ts";
export type { Config } from "./config.ts";
export { DataFolderError, FolderInUseError } from "./adapters/embedded/folder-lock.ts";

/** All documents of the tenant, by words and by vectors. */
const sources: readonly Source[] = [{ name: "corpus", kind: "hybrid" }];

export interface ModuleOptions {
  readonly log: Logger;
}

/** What the service reads of its configuration when no process of its own is around it. */
export type ModuleConfig = Pick<Config, "dataDir" | "legTimeLimitMs">;

/** The service without a process around it: what standalone mounts. The store is opened by `start`, which throws DataFolderError. */
export function createModule({ dataDir, legTimeLimitMs }: ModuleConfig, { log }: ModuleOptions): ServiceModule {
  let opened: EmbeddedStore | undefined;
  const stores = storesOf(() => opened);
  const onLeg = ({ source, leg, reason, error }: LegOutcome) => {
    if (error !== undefined) log.warn({ source, leg, reason, err: error }, "a leg of a search failed");
  };
  const search = createSearcher({ stores, sources, legTimeLimitMs, onLeg });
  const onFailure = (error: unknown) => log.error({ err: error }, "a document could not be stored");
  return {
    routes: (add) => {
      add(DocumentService, {
        putDocuments: createPutDocuments({ stores, onFailure }),
        listDocuments: createListDocuments({ stores }),
        deleteDocuments: createDeleteDocuments({ stores }),
      });
      add(IndexService, {
        listCollections: createListCollections({ stores }),
        listPassagesWithoutVector: createListPassagesWithoutVector({ stores }),
        putVectors: createPutVectors({ stores }),
        activateSpace: createActivateSpace({ stores }),
      });
      add(RetrievalService, { searchPassages: createSearchPassages({ search }) });
    },
    start: async (signal) => {
      const started = performance.now();
      opened = await openEmbeddedStore({ folder: dataDir, signal });
      log.info({ durationMs: Math.round(performance.now() - started) }, "record store opened");
    },
    stop: async () => {
      const closing = opened;
      opened = undefined;
      await closing?.close();
    },
  };
}

function storesOf(opened: () => EmbeddedStore | undefined): Stores {
  const store = (): EmbeddedStore => {
    const current = opened();
    if (current !== undefined) return current;
    throw quartetError({
      code: Code.Unavailable,
      reason: "DRAINING",
      message: "The store is not open: the service is starting or going down. Try again in a moment.",
      retryDelayMs: 1_000,
    });
  };
  return {
    get records() {
      return store().records;
    },
    get keywords() {
      return store().keywords;
    },
    get vectors() {
      return store().vectors;
    },
  };
}

/** The service as a process of its own, on gRPC. */
export function createApp(config: Config): App {
  return createServiceApp({ name: "retrieval", config, createModule: ({ log }) => createModule(config, { log }) });
}
