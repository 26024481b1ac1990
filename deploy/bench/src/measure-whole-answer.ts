import * as compression from "@quartet/compression-service";
import { createQuartetClient, Execution } from "@quartet/client";
import { EmbeddingService } from "@quartet/contracts/embedding/v1/embedding_service";
import { IndexService } from "@quartet/contracts/retrieval/v1/index_service";
import { RetrievalService } from "@quartet/contracts/retrieval/v1/retrieval_service";
import * as embedding from "@quartet/embedding-service";
import { type FakeProvider, startFakeProvider } from "@quartet/fake-provider";
import * as gateway from "@quartet/gateway-service";
import * as generation from "@quartet/generation-service";
import { createSearchPassages } from "@quartet/retrieval-service/floor";
import { createClient, createInMemoryTransport, type Routes } from "@quartet/rpc";
import { createLogger, createMetrics } from "@quartet/telemetry";
import { sectionNames, sectionPace } from "./measure-sections.ts";
import { createSlowSearcher, sourceNames } from "./measure-sources.ts";
import { type ParallelRound, type ParallelTimes, summarise } from "./parallel-times.ts";

/** Parallel: sources at once, then sections at once. Sequential: every source and every section one after the other. */
export interface WholeAnswerTimes extends ParallelTimes {
  /** Of the median of parallel: what is not the slowest source and a section. */
  readonly addedMs: number;
  /** Whether the median round ended by 1,000 ms. */
  readonly met: boolean;
}

const targetMs = 1_000;
const SLOWEST_SOURCE_AND_SECTION_MS = 900;

/**
 * A question at the gateway's port, from four sources, answered in three sections: with sources and sections at once, and one after the other,
 * round by round. In sequence the provider has one place, in which calls wait for each other, as those of a caller who asks one by one.
 */
export async function measureWholeAnswer({ rounds }: { readonly rounds: number }): Promise<WholeAnswerTimes> {
  const provider = await startFakeProvider(sectionPace);
  const { ask, close } = await startGateway(provider);
  try {
    await ask("parallel");
    const seen: ParallelRound[] = [];
    for (let round = 0; round < rounds; round += 1) {
      provider.set({ limit: undefined });
      const parallelMs = await ask("parallel");
      provider.set({ limit: { concurrent: 1, whenBusy: "wait" } });
      seen.push({ parallelMs, sequentialMs: await ask("sequential") });
    }
    const times = summarise(seen);
    return {
      ...times,
      addedMs: times.parallelMs - SLOWEST_SOURCE_AND_SECTION_MS,
      met: times.parallelMs <= targetMs,
    };
  } finally {
    await close();
    await provider.close();
  }
}

/** The gateway on a port, over embedding, compression and generation as they are, and retrieval with stores that take their time. */
async function startGateway(provider: FakeProvider) {
  const telemetry = {
    log: createLogger({ service: "bench", level: "silent" }),
    metrics: createMetrics({ component: "bench", processMetrics: false }),
  };
  const embeddings = embedding.createModule(embedding.parseConfig({ QUARTET_EMBEDDER: "hashed" }), telemetry);
  const answers = generation.createModule(
    generation.parseConfig({ OPENAI_BASE_URL: provider.baseUrl, OPENAI_API_KEY: "sk-bench" }),
    telemetry,
  );
  const transportOf = (routes: Routes) => createInMemoryTransport(routes, { logger: telemetry.log });
  const transports = {
    embedding: transportOf(embeddings.routes),
    retrieval: transportOf(await retrievalRoutes(embeddings.routes)),
    compression: transportOf(compression.createModule().routes),
    generation: transportOf(answers.routes),
  };
  let baseUrl = "";
  const front = gateway.createFront(gateway.parseConfig({ QUARTET_PORT: "0" }), {
    transports,
    telemetry,
    onListening: (url) => (baseUrl = url),
    drainLimitMs: 1_000,
  });
  const { signal } = new AbortController();
  await answers.start?.(signal);
  await front.start(signal);
  const client = createQuartetClient({ baseUrl });
  return {
    async ask(execution: "parallel" | "sequential"): Promise<number> {
      const started = performance.now();
      const answer = await client.answers.answerQuestion({
        question: "How long is leave?",
        sections: sectionNames.map((name) => ({ name })),
        search: {
          sources: [...sourceNames],
          execution: execution === "parallel" ? Execution.PARALLEL : Execution.SEQUENTIAL,
        },
      });
      const wallMs = performance.now() - started;
      const missing = [
        ...answer.degradations.map(({ reason }) => reason),
        ...answer.sections.map((each) => each.failure),
      ];
      if (answer.sections.length < sectionNames.length || missing.some(Boolean)) {
        throw new Error(`the answer is not whole: ${JSON.stringify(answer.degradations)}`);
      }
      return wallMs;
    },
    async close() {
      await front.stop(signal);
      await answers.stop?.();
      await embeddings.stop?.();
      telemetry.metrics.close();
    },
  };
}

const text = "Leave is fifteen days a year. It is asked for three days before.";
const document = {
  ...{ id: "leave", collection: "corpus", title: "Leave", uri: "", mediaType: "text/plain", tags: [], metadata: {} },
  ...{ taxonomyPath: "", version: 1, createTimeMs: 0, updateTimeMs: 0 },
};
const passageOf = () => ({ startOffset: 0, endOffset: text.length, text, document });

/** Retrieval's own search and handler over slow stores, in the space of the embedder. */
async function retrievalRoutes(embeddings: Routes): Promise<Routes> {
  const { space } = await createClient(EmbeddingService, createInMemoryTransport(embeddings)).embedTexts({
    texts: ["a"],
  });
  if (space === undefined) throw new Error("the embedder names no space");
  const { id, dimensions, denseWeight } = space;
  const search = createSlowSearcher({ timeLimitMs: 10_000, space: { id, dimensions, denseWeight }, passageOf });
  const tokens = { read: () => Promise.reject(new Error("there is one page")), write: async () => "" };
  return (add) => {
    add(RetrievalService, { searchPassages: createSearchPassages({ search, tokens, onTokenError: () => {} }) });
    add(IndexService, {
      listCollections: async () => ({
        collections: [{ state: { collection: "corpus" }, activeSpace: space, activeVectorCount: 1n }],
      }),
      listPassagesWithoutVector: async () => ({ contents: [] }),
    });
  };
}
