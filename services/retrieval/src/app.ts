import { DocumentService } from "@quartet/contracts/retrieval/v1/document_service";
import { IndexService } from "@quartet/contracts/retrieval/v1/index_service";
import { RetrievalService } from "@quartet/contracts/retrieval/v1/retrieval_service";
import type { Figures, ServiceModule } from "@quartet/rpc";
import { type App, createExecutor, createServiceApp, type Telemetry } from "@quartet/service";
import { createInlineWorkers } from "@quartet/workers";
import { createDocumentCache } from "./adapters/document-cache/document-cache.ts";
import type { Config, RerankConfig, ResultConfig, StoreConfig } from "./config.ts";
import { createSearcher } from "./domain/search.ts";
import { createSearchPageTokens } from "./domain/search-page-token.ts";
import { createActivateSpace } from "./handlers/activate-space.ts";
import { createAdviseIndexes } from "./handlers/advise-indexes.ts";
import { createCountDocuments } from "./handlers/count-documents.ts";
import { createDeleteDocuments } from "./handlers/delete-documents.ts";
import { createDeleteEntities } from "./handlers/delete-entities.ts";
import { createListCollections } from "./handlers/list-collections.ts";
import { createListDocuments } from "./handlers/list-documents.ts";
import { createListPassagesWithoutVector } from "./handlers/list-passages-without-vector.ts";
import { createPutDocuments } from "./handlers/put-documents.ts";
import { createPutGraph } from "./handlers/put-graph.ts";
import { createPutVectors } from "./handlers/put-vectors.ts";
import { createRebuildIndex } from "./handlers/rebuild-index.ts";
import { createRetryRefusedPassages } from "./handlers/retry-refused-passages.ts";
import { createSearchPassages } from "./handlers/search-passages.ts";
import { createLegEvents, createRecordEvents } from "./leg-events.ts";
import { openReranking } from "./reranking.ts";
import { openResults } from "./results.ts";
import { pageTokenKey } from "./page-token-key.ts";
import { createStoreSet } from "./stores/create-store-set.ts";

export { parseConfig, variables } from "./config.ts";
export type { Config } from "./config.ts";
export { DataFolderError, FolderInUseError } from "./adapters/embedded/folder-lock.ts";

/**
 * The service without a process around it: what standalone mounts. The stores are opened by `start`, which throws StartError. Heavy computation is done
 * in `workers`, which stay the caller's; without them it is done beside other calls.
 */
export function createModule(
  config: StoreConfig & ResultConfig & RerankConfig,
  telemetry: Telemetry,
  workers = createInlineWorkers(),
): ServiceModule {
  const { log } = telemetry;
  const { stores, guards, keywordLagMs, projection, advisor, start, close, watchReady, figures } = createStoreSet(
    config,
    telemetry,
    workers,
  );
  const results = openResults(config, telemetry, stores);
  const documents = createDocumentCache({
    stores,
    maxEntries: config.documentCacheEntries,
    maxBytes: config.documentCacheBytes,
  });
  const ordering = openReranking(config, stores, telemetry);
  const search = createSearcher({
    stores,
    guards,
    sources: config.sources,
    results: results?.cache,
    reranking: ordering.reranking,
    onRerankError: ordering.onError,
    legTimeLimitMs: config.legTimeLimitMs,
    onLeg: createLegEvents(telemetry),
    onRecordError: createRecordEvents(telemetry),
    ...(keywordLagMs && { keywordLagMs }),
  });
  const tokens = createSearchPageTokens({ key: pageTokenKey(config, stores) });
  const onFailure = (error: unknown) => log.error({ err: error }, "a document could not be stored");
  const onTokenError = (error: unknown) => log.warn({ err: error }, "a page token could not be signed");
  return {
    routes: (add) => {
      add(DocumentService, {
        putDocuments: createPutDocuments({ stores, onFailure }),
        listDocuments: createListDocuments({ stores: documents }),
        countDocuments: createCountDocuments({ stores: documents }),
        deleteDocuments: createDeleteDocuments({ stores }),
        putGraph: createPutGraph({ stores }),
        deleteEntities: createDeleteEntities({ stores }),
      });
      add(IndexService, {
        listCollections: createListCollections({ stores }),
        listPassagesWithoutVector: createListPassagesWithoutVector({ stores }),
        putVectors: createPutVectors({ stores }),
        retryRefusedPassages: createRetryRefusedPassages({ stores }),
        activateSpace: createActivateSpace({ stores }),
        rebuildIndex: createRebuildIndex({
          parts: () => projection,
          onFailure: (error) => log.error({ err: error }, "the keyword index could not be built anew"),
        }),
        adviseIndexes: createAdviseIndexes({
          advisor,
          onFailure: (error) => log.error({ err: error }, "no advice could be given"),
        }),
      });
      add(RetrievalService, { searchPassages: createSearchPassages({ search, tokens, onTokenError }) });
    },
    start,
    stop: async () => {
      await ordering.close();
      await results?.close();
      await close();
    },
    ...(watchReady && { watchReady }),
    figures: async (signal) => {
      const ofStores: Figures = (await figures?.(signal)) ?? {};
      const { caches = [], pools = [] } = results?.figures() ?? {};
      return { ...ofStores, caches: [...caches, documents.figures()], pools: [...(ofStores.pools ?? []), ...pools] };
    },
    invalidateCache: async (selection, signal) =>
      selection.level === "documents"
        ? documents.invalidate(selection)
        : ((await results?.invalidate(selection, signal)) ?? 0),
  };
}

/** The service as a process of its own, on gRPC. */
export function createApp(config: Config): App {
  const workers = createExecutor(config);
  return createServiceApp({
    name: "retrieval",
    config,
    workers,
    createModule: (telemetry) => createModule(config, telemetry, workers),
  });
}
