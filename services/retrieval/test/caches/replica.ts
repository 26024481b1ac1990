import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createContextValues } from "@connectrpc/connect";
import { DocumentService } from "@quartet/contracts/retrieval/v1/document_service";
import { IndexService } from "@quartet/contracts/retrieval/v1/index_service";
import { RetrievalService, type SearchPassagesResponse } from "@quartet/contracts/retrieval/v1/retrieval_service";
import { CacheUse, Fusion } from "@quartet/contracts/type/v1/search";
import { EmbeddingSpaceKind } from "@quartet/contracts/type/v1/vector";
import { type CacheFigures, createClient, createInMemoryTransport, principalKey } from "@quartet/rpc";
import { createLogger, createMetrics } from "@quartet/telemetry";
import { until } from "@quartet/testing";
import { hashedEmbedding } from "@quartet/text";
import { quantizeInt8 } from "@quartet/vector";
import { createModule, parseConfig } from "../../src/app.ts";

export const space = {
  id: "0123456789abcdef",
  dimensions: 2048,
  kind: EmbeddingSpaceKind.HASHED,
  denseWeight: 0.2,
  cacheThreshold: 2,
  model: "hashed",
};

const vectorOf = (text: string) => {
  const { bytes, scale } = quantizeInt8(hashedEmbedding(text));
  return { encoding: { case: "int8", value: { values: new Uint8Array(bytes.buffer), scale } } as const };
};

/** Made once: tests ask the same again and again. */
const queryVectors = new Map<string, ReturnType<typeof vectorOf>>();

function queryVectorOf(query: string): ReturnType<typeof vectorOf> {
  const vector = queryVectors.get(query) ?? vectorOf(query);
  queryVectors.set(query, vector);
  return vector;
}

export interface NewDocument {
  readonly id: string;
  readonly text: string;
  readonly collection?: string;
  readonly tags?: string[];
}

export interface SearchGiven {
  readonly tenant?: string;
  readonly cacheUse?: CacheUse;
  readonly tags?: string[];
  /** Only documents of this one. */
  readonly collection?: string;
}

/** A process of the service as far as it matters here: everything but the network in front of it. */
export interface Replica {
  put(documents: readonly NewDocument[], tenant?: string): Promise<void>;
  delete(documentIds: string[], tenant?: string): Promise<void>;
  search(query: string, given?: SearchGiven): Promise<SearchPassagesResponse>;
  /** Gives vectors to all passages that lack one, and waits until keywords find everything too. */
  settle(tenant?: string): Promise<void>;
  /** How many searches went to the stores. */
  origins(): Promise<number>;
  figures(): Promise<CacheFigures>;
  /** Whether it uses Redis now. */
  isUp(): Promise<boolean>;
  readonly lines: readonly string[];
  close(): Promise<void>;
}

export async function startReplica(environment: Readonly<Record<string, string>>): Promise<Replica> {
  const lines: string[] = [];
  const log = createLogger({ service: "retrieval", destination: { write: (line: string) => void lines.push(line) } });
  const metrics = createMetrics({ component: "retrieval", processMetrics: false });
  // Nothing is late unless the test says when: the machine may be busy.
  const patient = { QUARTET_REDIS_TIMEOUT: "2s", QUARTET_RETRIEVAL_LEG_TIMEOUT: "10s" };
  const config = parseConfig({ QUARTET_DATA_DIR: ":memory:", ...patient, ...environment });
  const module = createModule(config, { log, metrics });
  await module.start?.(new AbortController().signal);
  const transport = createInMemoryTransport(module.routes);
  const documents = createClient(DocumentService, transport);
  const index = createClient(IndexService, transport);
  const retrieval = createClient(RetrievalService, transport);
  const by = (tenant: string) => ({ contextValues: createContextValues().set(principalKey, { tenant, roles: [] }) });
  const sum = async (series: RegExp) => {
    const { text } = await metrics.exposition();
    return text
      .split("\n")
      .reduce((total, line) => total + (series.test(line) ? Number(line.split(" ").at(-1)) : 0), 0);
  };
  return {
    async put(given, tenant = "default") {
      const { results } = await documents.putDocuments({ documents: [...given] }, by(tenant));
      const failed = results.find(({ failure }) => failure !== undefined);
      if (failed !== undefined) throw new Error(`not stored: ${failed.failure?.message}`);
    },
    delete: async (documentIds, tenant = "default") =>
      void (await documents.deleteDocuments({ documentIds }, by(tenant))),
    search(query, { tenant = "default", cacheUse = CacheUse.UNSPECIFIED, tags = [], collection } = {}) {
      const value = { kind: { case: "stringValue", value: collection ?? "" } } as const;
      const filter = { condition: { case: "equals", value: { field: "collection", value } } } as const;
      const options = { cacheUse, tags, fusion: Fusion.CONVEX, ...(collection !== undefined && { filter }) };
      const vector = { queryVector: queryVectorOf(query), spaceId: space.id };
      return retrieval.searchPassages(
        { query, pageSize: 10, ...vector, options },
        { ...by(tenant), timeoutMs: 60_000 },
      );
    },
    async settle(tenant = "default") {
      const states = async () => (await index.listCollections({}, by(tenant))).collections;
      for (const { state } of await states()) {
        const collection = state!.collection;
        const { contents } = await index.listPassagesWithoutVector({ collection, spaceId: space.id }, by(tenant));
        const vectors = contents.map(({ contentHash, text }) => ({ contentHash, vector: vectorOf(text) }));
        for (let start = 0; start < vectors.length; start += 64) {
          await index.putVectors({ collection, space, vectors: vectors.slice(start, start + 64) }, by(tenant));
        }
      }
      await until(async () => (await states()).every(({ state }) => state!.projectedSeq >= state!.recordSeq), {
        limitMs: 60_000,
      });
    },
    origins: () => sum(/^quartet_search_legs_total\{.*leg="keyword"/),
    figures: async () => (await module.figures!(new AbortController().signal)).caches![0]!,
    isUp: async () => (await sum(/^quartet_redis_up/)) === 1,
    lines,
    async close() {
      await module.stop?.();
      metrics.close();
    },
  };
}

/** Folders with the same record, as replicas see it that share a database: states and installation are the same. */
export interface SameRecord extends AsyncDisposable {
  /** A folder of its own for one process. */
  copy(): Promise<string>;
}

export async function createSameRecord(documents: readonly NewDocument[]): Promise<SameRecord> {
  const root = await mkdtemp(path.join(tmpdir(), "quartet-caches-"));
  const original = path.join(root, "original");
  const replica = await startReplica({ QUARTET_DATA_DIR: original });
  await replica.put(documents);
  await replica.settle();
  await replica.close();
  let copies = 0;
  return {
    async copy() {
      const folder = path.join(root, `copy-${(copies += 1)}`);
      await cp(original, folder, { recursive: true });
      return folder;
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

export const idsOf = ({ passages }: SearchPassagesResponse): string[] => passages.map(({ documentId }) => documentId);
