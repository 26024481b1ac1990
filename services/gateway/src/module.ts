import { AnswerService } from "@quartet/contracts/gateway/v1/answer_service";
import { DocumentService } from "@quartet/contracts/gateway/v1/document_service";
import { SearchService } from "@quartet/contracts/gateway/v1/search_service";
import { createBulkhead } from "@quartet/resilience";
import { requestIdOf, type ServiceModule } from "@quartet/rpc";
import type { Telemetry } from "@quartet/service";
import type { Config } from "./config.ts";
import { shortenPassage, type Wire } from "./convert.ts";
import { createPlans } from "./domain/plans.ts";
import type { AnswerPorts } from "./domain/ports.ts";
import { chooseQuerySpace, createQueryEmbedder } from "./domain/query-space.ts";
import { createRefreshed } from "./domain/refreshed.ts";
import { createAdmission } from "./handlers/admission.ts";
import { createAnswerQuestion } from "./handlers/answer-question.ts";
import { createAnswering } from "./handlers/answering.ts";
import { createBeginRun } from "./handlers/begin-run.ts";
import { createDeleteDocuments } from "./handlers/delete-documents.ts";
import { createGetDocument } from "./handlers/get-document.ts";
import { createListCollections } from "./handlers/list-collections.ts";
import { createListDocuments } from "./handlers/list-documents.ts";
import { createPutDocuments } from "./handlers/put-documents.ts";
import { createSearchPassages } from "./handlers/search-passages.ts";
import { createStreamAnswerQuestion } from "./handlers/stream-answer-question.ts";
import { createHops, type Hops, type Transports } from "./hops/hops.ts";
import { listAllCollections, ownCall } from "./hops/indexing.ts";
import { createIndexing } from "./indexing.ts";
import { sleep } from "./sleep.ts";

const now = (): number => performance.now();

/** The three public services over whatever transports lead to the inner four, and the embedding worker. */
export function createModule(config: Config, transports: Transports, { log, metrics }: Telemetry): ServiceModule {
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
  const space = createSpaceDirectory(hops);
  const { worker, indexer } = createIndexing({
    hops,
    pollMs: config.indexPollMs,
    busy: () => questionPlaces.inFlight > 0,
    spacesChanged: space.invalidate,
    log,
    metrics,
  });
  const ports = createAnswerPorts(hops, space);
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
      });
      add(DocumentService, {
        putDocuments: createPutDocuments({
          admission: documents,
          put: hops.record.put,
          searchable: {
            indexDocuments: (request, signal) => indexer.indexDocuments(request, signal),
            projectedSeqs: (signal) => projectedSeqs(hops, signal),
            sleep,
          },
          wakeWorker: () => worker.wake(),
        }),
        getDocument: createGetDocument({ admission: documents, find: hops.record.find }),
        listDocuments: createListDocuments({ admission: documents, listPage: hops.record.listPage }),
        deleteDocuments: createDeleteDocuments({ admission: documents, deleteAll: hops.record.deleteAll }),
        listCollections: createListCollections({ admission: documents, listPage: hops.index.listCollections }),
      });
    },
    start: async () => worker.start(),
    stop: async () => {
      await worker.stop();
      hops.close();
    },
  };
}

/** The space that questions are embedded in, as the collections say: asked once a second at most, whatever the load. */
function createSpaceDirectory({ index }: Hops) {
  return createRefreshed({
    load: async () => {
      const collections = await listAllCollections(index, ownCall(new AbortController().signal, 1_000));
      return chooseQuerySpace(
        collections.map(({ activeSpace, activeVectorCount }) => ({
          spaceId: activeSpace?.id,
          vectorCount: Number(activeVectorCount),
        })),
      );
    },
    initial: undefined,
    freshMs: 1_000,
    staleMs: 9_000,
    now,
  });
}

function createAnswerPorts(hops: Hops, space: ReturnType<typeof createSpaceDirectory>): AnswerPorts<Wire> {
  return {
    embed: createQueryEmbedder({ space, embed: hops.embedding.embedQuery, sleep, now }),
    search: async (query, call) => {
      const result = await hops.search.search(query, call);
      if (result.failures.some(({ reason }) => reason === "EMBEDDING_SPACE_MISMATCH")) space.invalidate();
      return result;
    },
    compress: hops.compression.compress,
    shorten: shortenPassage,
    generate: hops.generation.generate,
  };
}

async function projectedSeqs({ index }: Hops, signal: AbortSignal): Promise<ReadonlyMap<string, bigint>> {
  const collections = await listAllCollections(index, ownCall(signal, 5_000));
  return new Map(collections.map(({ state }) => [state?.collection ?? "", state?.projectedSeq ?? 0n]));
}
