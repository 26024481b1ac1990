import { DocumentService } from "@quartet/contracts/retrieval/v1/document_service";
import { IndexService } from "@quartet/contracts/retrieval/v1/index_service";
import { RetrievalService } from "@quartet/contracts/retrieval/v1/retrieval_service";
import { EmbeddingSpaceKind } from "@quartet/contracts/type/v1/vector";
import { createModule, parseConfig } from "@quartet/retrieval-service";
import { createClient, createInMemoryTransport } from "@quartet/rpc";
import { createLogger, createMetrics } from "@quartet/telemetry";
import { until } from "@quartet/testing";
import { hashedEmbedding } from "@quartet/text";
import { quantizeInt8 } from "@quartet/vector";

export interface CachedDocument {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  readonly collection: string;
}

/** One search as the service saw it. */
export interface MeasuredSearch {
  readonly cached: boolean;
  /** Within the service, from the request to the response. */
  readonly elapsedMs: number;
}

/** The retrieval service in this process, called past the network. */
export interface CacheSubject {
  /** Stores documents with their vectors, and waits until everything finds them. */
  put(documents: readonly CachedDocument[]): Promise<void>;
  /** @param collection only this one; all without */
  search(question: string, collection: string | undefined): Promise<MeasuredSearch>;
  figures(): Promise<{ readonly entries: number; readonly bytes: number; readonly evictions: number }>;
  close(): Promise<void>;
}

const space = {
  id: "0123456789abcdef",
  dimensions: 2048,
  kind: EmbeddingSpaceKind.HASHED,
  denseWeight: 0.2,
  cacheThreshold: 2,
  model: "hashed",
};

export async function openCacheSubject(environment: Readonly<Record<string, string>>): Promise<CacheSubject> {
  const metrics = createMetrics({ component: "bench", processMetrics: false });
  const log = createLogger({ service: "bench", destination: { write: () => {} } });
  const module = createModule(parseConfig({ QUARTET_DATA_DIR: ":memory:", ...environment }), { log, metrics });
  const { signal } = new AbortController();
  await module.start?.(signal);
  const transport = createInMemoryTransport(module.routes);
  const documents = createClient(DocumentService, transport);
  const index = createClient(IndexService, transport);
  const retrieval = createClient(RetrievalService, transport);
  const vectors = new Map<string, ReturnType<typeof vectorOf>>();
  const collections = async () => (await index.listCollections({ pageSize: 1000 })).collections;

  const embed = async (collection: string) => {
    for (let pageToken = ""; ;) {
      const page = await index.listPassagesWithoutVector({ collection, spaceId: space.id, pageToken });
      const made = page.contents.map(({ contentHash, text }) => ({ contentHash, vector: vectorOf(text) }));
      for (let start = 0; start < made.length; start += 64) {
        await index.putVectors({ collection, space, vectors: made.slice(start, start + 64) });
      }
      if (page.nextPageToken === "") return;
      pageToken = page.nextPageToken;
    }
  };
  return {
    async put(given) {
      for (let start = 0; start < given.length; start += 100) {
        await documents.putDocuments({ documents: given.slice(start, start + 100) });
      }
      for (const collection of new Set(given.map((document) => document.collection))) await embed(collection);
      const isProjected = async () =>
        (await collections()).every(({ state }) => state!.projectedSeq >= state!.recordSeq);
      await until(isProjected, { limitMs: 120_000 });
    },
    async search(question, collection) {
      const queryVector = vectors.get(question) ?? vectorOf(question);
      vectors.set(question, queryVector);
      const value = { kind: { case: "stringValue", value: collection ?? "" } } as const;
      const filter = { condition: { case: "equals", value: { field: "collection", value } } } as const;
      const options = collection === undefined ? {} : { filter };
      const request = { query: question, pageSize: 10, queryVector, spaceId: space.id, options };
      const { cached, elapsed } = await retrieval.searchPassages(request, { timeoutMs: 120_000 });
      return { cached, elapsedMs: Number(elapsed!.seconds) * 1000 + elapsed!.nanos / 1e6 };
    },
    figures: async () => (await module.figures!(signal)).caches![0]!,
    async close() {
      await module.stop?.();
      metrics.close();
    },
  };
}

function vectorOf(text: string) {
  const { bytes, scale } = quantizeInt8(hashedEmbedding(text));
  return { encoding: { case: "int8", value: { values: new Uint8Array(bytes.buffer), scale: scale || 1 } } } as const;
}
