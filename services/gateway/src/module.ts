import { AccessTokenService } from "@quartet/contracts/gateway/v1/access_token_service";
import { AnswerService } from "@quartet/contracts/gateway/v1/answer_service";
import { DocumentService } from "@quartet/contracts/gateway/v1/document_service";
import { OperationsService } from "@quartet/contracts/gateway/v1/operations_service";
import { SearchService } from "@quartet/contracts/gateway/v1/search_service";
import type { HandlerContext } from "@connectrpc/connect";
import { createBulkhead } from "@quartet/resilience";
import { defaultTenant, requestIdOf, type ServiceModule } from "@quartet/rpc";
import type { Telemetry } from "@quartet/service";
import type { Access } from "./access.ts";
import { createAnswerPorts, createSpaceDirectory } from "./answer-ports.ts";
import { createCacheInvalidation } from "./cache-invalidation.ts";
import type { Config } from "./config.ts";
import { unshared } from "./domain/indexing/lease.ts";
import { createPlans } from "./domain/plans.ts";
import { createTenantDirectory } from "./domain/tenant-directory.ts";
import { createFrequentSearches } from "./frequent-searches.ts";
import { createAccessTokenHandlers } from "./handlers/access-token-handlers.ts";
import { createAdmission } from "./handlers/admission.ts";
import { createAdviseIndexes } from "./handlers/advise-indexes.ts";
import { createAnswerQuestion } from "./handlers/answer-question.ts";
import { createAnswering } from "./handlers/answering.ts";
import { beginCall, createBeginRun } from "./handlers/begin-run.ts";
import { createCountDocuments } from "./handlers/count-documents.ts";
import { createDeleteDocuments } from "./handlers/delete-documents.ts";
import { createDeleteEntities } from "./handlers/delete-entities.ts";
import { createGetDocument } from "./handlers/get-document.ts";
import { createGetPlatformStatus } from "./handlers/get-platform-status.ts";
import { createInvalidateCache } from "./handlers/invalidate-cache.ts";
import { createListCollections } from "./handlers/list-collections.ts";
import { createListDocuments } from "./handlers/list-documents.ts";
import { createPutDocuments } from "./handlers/put-documents.ts";
import { createPutGraph } from "./handlers/put-graph.ts";
import { createRebuildIndex } from "./handlers/rebuild-index.ts";
import { createRetryRefusedPassages } from "./handlers/retry-refused-passages.ts";
import { createSearchPassages } from "./handlers/search-passages.ts";
import { createStreamAnswerQuestion } from "./handlers/stream-answer-question.ts";
import { createStreamSearchPassages } from "./handlers/stream-search-passages.ts";
import { createWarmCache } from "./handlers/warm-cache.ts";
import { createHops, type Hops, type Transports } from "./hops/hops.ts";
import type { Replicas } from "./hops/replicas.ts";
import { listAllCollections, ownCall } from "./hops/indexing.ts";
import { createIndexing } from "./indexing.ts";
import type { Report } from "./platform-status.ts";
import { sleep } from "./sleep.ts";
import type { Stores } from "./stores.ts";

const now = (): number => performance.now();

export interface ModuleOptions extends Telemetry {
  /** How the inner services are reached. */
  readonly transports: Transports;
  readonly replicas: Replicas;
  /** Without: one tenant, and no other gateway that works on the same record. */
  readonly stores: Stores | undefined;
  /** Without: everyone is let in. */
  readonly access: Access | undefined;
  /** This process's own figures. */
  readonly report: (signal: AbortSignal) => Promise<Report>;
}

/** One search stream for so many questions and searches at once. */
const STREAM_SHARE = 4;

/** Calls of operators at once: few, and far from using up what questions need. */
const OPERATIONS = { maxInFlight: 8, maxQueued: 32 };

/** What figures of the record may take, as those of a replica. */
const STATUS_TIMEOUT_MS = 3_000;

/** Passes the bodies of chats on to the provider: a RelayHop, under the limits of the gateway. */
export interface Relay {
  /** The reply of a chat that is not streamed. */
  complete(body: Uint8Array, context: HandlerContext): Promise<Uint8Array>;
  /** That of a streamed one, in events that came together, each on a line of its own. */
  stream(body: Uint8Array, context: HandlerContext): AsyncIterable<Uint8Array>;
}

/** The gateway's services, and what its paths of plain HTTP need beside them. */
export interface GatewayModule extends ServiceModule {
  readonly relay: Relay;
}

/** The public services over whatever transports lead to the inner four, and the embedding worker. */
export function createModule(config: Config, options: ModuleOptions): GatewayModule {
  const { transports, replicas, stores, access, report, log, metrics } = options;
  const hops = createHops({
    transports,
    maxInFlight: config.maxInFlight,
    generationClocks: { firstMs: config.firstTokenTimeoutMs, idleMs: config.tokenTimeoutMs },
    log,
    metrics,
  });
  const questionPlaces = createBulkhead({ name: "questions", maxInFlight: config.maxInFlight });
  const questions = createAdmission(questionPlaces);
  const documents = createAdmission(
    createBulkhead({
      name: "documents",
      maxInFlight: config.maxDocumentCallsInFlight,
      maxQueued: config.maxDocumentCallsInFlight,
    }),
  );
  // Places of their own: readers that take their time are not to keep out those who ask.
  const streamPlaces = Math.max(1, Math.floor(config.maxInFlight / STREAM_SHARE));
  const streams = createAdmission(createBulkhead({ name: "search streams", maxInFlight: streamPlaces }));
  const operations = createAdmission(createBulkhead({ name: "operations", ...OPERATIONS }));
  // A model that writes for long is not to keep out those who ask the documents.
  const chats = createAdmission(createBulkhead({ name: "chats", maxInFlight: config.maxInFlight }));
  const spaces = createSpaceDirectory(hops);
  const tenants = createTenantDirectory({
    defaultTenant,
    store: stores?.access,
    failed: (error) => log.warn({ err: error }, "the list of tenants is as old as the last look at it"),
  });
  const indexing = createIndexing({
    hops,
    pollMs: config.indexPollMs,
    busy: () => questionPlaces.inFlight > 0,
    spacesChanged: (tenant) => spaces.get(tenant).invalidate(),
    tenants: tenants.all,
    lease: stores?.lease ?? unshared,
    log,
    metrics,
  });
  const frequent = createFrequentSearches({ now });
  const invalidation = createCacheInvalidation(replicas);
  const ports = createAnswerPorts(hops, spaces, frequent);
  const plans = createPlans(config);
  const leftOut = metrics.counter("quartet_gateway_left_out_total");
  const begin = (plan: keyof typeof plans) =>
    createBeginRun({
      plan: plans[plan],
      now,
      leftOut: (context, stage, reason, error) => {
        leftOut.with({ stage, reason }).add();
        // While a service is left alone, each call goes without it: that is told once, by its breaker.
        const level = reason === "CIRCUIT_OPEN" ? "debug" : "warn";
        log[level]({ requestId: requestIdOf(context), stage, reason, err: error }, "answered without a stage");
      },
    });
  const answering = createAnswering({
    beginRun: begin(config.ragDisabled ? "answerWithoutRetrieval" : "answer"),
    ports,
    ragDisabled: config.ragDisabled,
    defaultPassageCount: config.passageCount,
    defaultMaxContextCharCount: config.maxContextChars,
  });

  return {
    routes: (add) => {
      add(AnswerService, {
        answerQuestion: createAnswerQuestion({ admission: questions, answering }),
        streamAnswerQuestion: createStreamAnswerQuestion({ admission: questions, answering }),
      });
      add(SearchService, {
        searchPassages: createSearchPassages({ admission: questions, beginRun: begin("search"), ports }),
        streamSearchPassages: createStreamSearchPassages({ admission: streams, begin, ports, sleep }),
      });
      add(DocumentService, {
        putDocuments: createPutDocuments({
          admission: documents,
          put: hops.record.put,
          searchableOf: (tenant) => ({
            indexDocuments: (request, signal) => indexing.indexer.indexDocuments({ tenant, ...request }, signal),
            projectedSeqs: (signal) => projectedSeqs(hops, tenant, signal),
            sleep,
          }),
          changed: indexing.changed,
        }),
        getDocument: createGetDocument({ admission: documents, find: hops.record.find }),
        listDocuments: createListDocuments({ admission: documents, listPage: hops.record.listPage }),
        countDocuments: createCountDocuments({ admission: documents, countPage: hops.record.countPage }),
        deleteDocuments: createDeleteDocuments({ admission: documents, deleteAll: hops.record.deleteAll }),
        putGraph: createPutGraph({ admission: documents, put: hops.record.putGraph }),
        deleteEntities: createDeleteEntities({ admission: documents, deleteAll: hops.record.deleteEntities }),
        listCollections: createListCollections({ admission: documents, listPage: hops.index.listCollections }),
      });
      const tokens = access && stores && { store: stores.access, revoked: access.forget };
      add(
        AccessTokenService,
        createAccessTokenHandlers({ admission: operations, access: tokens, wallClock: Date.now }),
      );
      add(OperationsService, {
        getPlatformStatus: createGetPlatformStatus({
          admission: operations,
          replicas,
          own: report,
          collections: (tenant, signal) => listAllCollections(hops.index, ownCall(tenant, signal, STATUS_TIMEOUT_MS)),
        }),
        adviseIndexes: createAdviseIndexes({ admission: operations, advise: hops.index.advise }),
        invalidateCache: createInvalidateCache({ admission: operations, invalidate: invalidation.invalidate }),
        warmCache: createWarmCache({
          admission: operations,
          plan: plans.search,
          ports,
          frequent,
          pageSize: config.passageCount,
          busy: () => questionPlaces.inFlight > 0,
          now,
        }),
        rebuildIndex: createRebuildIndex({ admission: operations, rebuild: hops.index.rebuild }),
        retryRefusedPassages: createRetryRefusedPassages({
          admission: operations,
          index: hops.index,
          changed: indexing.changed,
        }),
      });
    },
    relay: {
      complete: chats.unary((body: Uint8Array, context) => hops.relay.complete(body, beginCall(context))),
      stream: chats.stream((body: Uint8Array, context) => hops.relay.stream(body, beginCall(context))),
    },
    start: async () => indexing.start(),
    stop: async () => {
      invalidation.close();
      await indexing.stop();
      hops.close();
    },
  };
}

async function projectedSeqs(
  { index }: Hops,
  tenant: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, bigint>> {
  const collections = await listAllCollections(index, ownCall(tenant, signal, 5_000));
  return new Map(collections.map(({ state }) => [state?.collection ?? "", state?.projectedSeq ?? 0n]));
}
