import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { randomBytes } from "node:crypto";
import {
  createQuartetClient,
  createServiceClient,
  type EmbeddingSpace,
  type QuartetClient,
  QuartetError,
} from "@quartet/client";
import { CompressionService } from "@quartet/contracts/compression/v1/compression_service";
import { EmbeddingService } from "@quartet/contracts/embedding/v1/embedding_service";
import { IndexService } from "@quartet/contracts/retrieval/v1/index_service";
import { readDocuments } from "../adapters/read-documents.ts";
import type { SourceFile } from "../adapters/source-files.ts";
import { startThrowAwayServer } from "../adapters/standalone-process.ts";
import { listCollections, waitUntilSearchable } from "../adapters/wait-until-searchable.ts";
import type { Context } from "../context.ts";
import type { SourceItem } from "../domain/source-document.ts";
import { indexDocuments } from "../indexing.ts";
import { collectionFilter } from "../search-options.ts";
import type { Subject } from "./subject.ts";

/** Where a corpus goes for the time of an evaluation. */
interface Place {
  readonly url: string;
  /** Empty for the default collection of a server that holds nothing else. */
  readonly collection: string;
  /** Goes before every document ID, so that none of the server's own documents is replaced. */
  readonly idPrefix: string;
}

export interface Prepared {
  readonly subject: Omit<Subject, "onQuestion">;
  readonly documents: number;
  /** What vectors were compared in; undefined where there are none. */
  readonly space: EmbeddingSpace | undefined;
}

/** The deadline of one call: a model that is asked may take its time. */
const callTimeoutMs = 120_000;

const searchableLimitMs = 30 * 60_000;

/** Which stores a throw-away server keeps its corpus in: its own, or the genuine ones that the environment names. */
export const storeKinds = ["embedded", "cluster"] as const;
export type StoreKind = (typeof storeKinds)[number];

/** What a throw-away server orders passages with. */
export const rerankers = ["none", "builtin", "http"] as const;

export interface CorpusOptions {
  readonly stores: StoreKind;
  readonly concurrency: number;
  /** Sources that searches ask; the server's own choice if empty. */
  readonly source: readonly string[];
  /** What the environment says if undefined. */
  readonly rerank?: (typeof rerankers)[number];
  /** Whether the server is to keep vectors as the model made them, so that bytes can be compared with them. */
  readonly quantisation?: boolean;
}

/** Where a server of one process finds genuine stores. */
const storeVariables = ["DATABASE_URL", "ELASTICSEARCH_URL"];

/**
 * Indexes a corpus on a throw-away server with a store of its own, or in a throw-away collection of the server or the stores named, and takes
 * it all away again.
 *
 * @throws {Error} if genuine stores are asked for and the environment names none
 */
export async function withCorpus<T>(
  context: Context,
  corpus: SourceFile,
  options: CorpusOptions,
  use: (prepared: Prepared) => Promise<T>,
): Promise<T> {
  const { stores, rerank, quantisation } = options;
  if (context.serverGiven) {
    if (rerank !== undefined || quantisation)
      throw new Error("--rerank and --quantisation set up a throw-away server; leave out --server.");
    return await inCollection(context, context.server, corpus, options, use);
  }
  const environment: NodeJS.ProcessEnv = {
    ...context.config.environment,
    ...(rerank !== undefined && { QUARTET_RERANKER: rerank }),
    ...(quantisation && { QUARTET_EMBEDDING_VECTORS: "float32" }),
  };
  const missing = storeVariables.filter((name) => !environment[name]);
  if (stores === "cluster" && missing.length > 0)
    throw new Error(`--stores cluster needs ${missing.join(" and ")}; \`npm run stores start\` prints them.`);
  if (stores === "embedded") for (const name of storeVariables) delete environment[name];
  return await onThrowAwayServer(context, environment, async (url) =>
    stores === "cluster"
      ? await inCollection(context, url, corpus, options, use)
      : await use(await fill(context, corpus, options, { url, collection: "", idPrefix: "" })),
  );
}

async function onThrowAwayServer<T>(
  context: Context,
  base: NodeJS.ProcessEnv,
  use: (url: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), "quartet-eval-"));
  try {
    const environment = {
      ...base,
      QUARTET_DATA_DIR: folder,
      // A model that was added is what is to be measured, as a server here would use it.
      QUARTET_MODELS_DIR: base["QUARTET_MODELS_DIR"] || path.join(context.config.dataDir, "models"),
      QUARTET_PORT: "0",
      // On loopback, for this command alone.
      QUARTET_AUTHENTICATION: "none",
      // Inner services: an evaluation has to see what compression keeps, and vectors.
      QUARTET_EXPOSE_INNER: "1",
      // A line for every call would be measured along.
      QUARTET_LOG_LEVEL: base["QUARTET_LOG_LEVEL"] || "warn",
    };
    const server = await startThrowAwayServer(environment, context.signal);
    try {
      return await use(server.url);
    } catch (error) {
      if (!(error instanceof QuartetError && error.unreachable)) throw error;
      throw new Error(["The throw-away server ended. The end of its log:", ...server.log].join("\n"), { cause: error });
    } finally {
      await server.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function inCollection<T>(
  context: Context,
  url: string,
  corpus: SourceFile,
  options: CorpusOptions,
  use: (prepared: Prepared) => Promise<T>,
): Promise<T> {
  const name = `eval-${randomBytes(6).toString("hex")}`;
  const place = { url, collection: name, idPrefix: `${name}/` };
  try {
    return await use(await fill(context, corpus, options, place));
  } finally {
    await empty(createQuartetClient(clientOptions(context, place.url)), place.collection);
  }
}

const clientOptions = ({ token }: Context, baseUrl: string) => ({
  baseUrl,
  timeoutMs: callTimeoutMs,
  ...(token !== undefined && { token }),
});

async function fill(
  context: Context,
  corpus: SourceFile,
  { concurrency, source }: CorpusOptions,
  place: Place,
): Promise<Prepared> {
  const { terminal, signal } = context;
  const options = clientOptions(context, place.url);
  const client = createQuartetClient(options);
  const putBar = terminal.progress("Indexing ");
  const counts = await indexDocuments({
    client,
    items: prefixed(readDocuments(corpus, signal), place.idPrefix),
    collection: place.collection,
    tags: [],
    signal,
    onProblem: ({ where, message }) => terminal.problem(`${where}: ${message}`),
    onNotice: ({ where, message }) => terminal.note(`${where}: ${message}`),
    onProgress: (done, bytes) => putBar.update(bytes / Math.max(1, corpus.byteCount), `${done.created} documents`),
  }).finally(() => putBar.end());
  const waitBar = terminal.progress("Embedding");
  const collection = place.collection || "default";
  const isSearchable = await waitUntilSearchable({
    client,
    collections: new Set([collection]),
    signal,
    limitMs: searchableLimitMs,
    onProgress: (ready, passages) => waitBar.update(ready / Math.max(1, passages), `${ready} of ${passages} passages`),
  }).finally(() => waitBar.end());
  if (!isSearchable)
    throw new Error("The corpus could not be made searchable within 30 minutes. See the server's log.");
  const found = (await listCollections(client, signal)).find(({ state }) => state?.collection === collection);
  return {
    documents: counts.created,
    space: found?.activeSpace,
    subject: {
      client,
      compression: createServiceClient(CompressionService, options),
      embedding: createServiceClient(EmbeddingService, options),
      index: createServiceClient(IndexService, options),
      signal,
      concurrency,
      filter: collectionFilter(place.collection),
      collection,
      sources: source,
      originalId: (documentId) => documentId.slice(place.idPrefix.length).normalize("NFC"),
    },
  };
}

async function* prefixed(items: AsyncIterable<SourceItem>, prefix: string): AsyncGenerator<SourceItem> {
  for await (const item of items) {
    if (item.kind !== "document") yield item;
    else yield { ...item, document: { ...item.document, id: `${prefix}${item.document.id}` } };
  }
}

/** Deletes all documents of a collection; goes on even when the evaluation was interrupted, and has a limit of its own. */
async function empty(client: QuartetClient, collection: string): Promise<void> {
  const filter = collectionFilter(collection);
  const signal = AbortSignal.timeout(60_000);
  for (;;) {
    const request = { pageSize: 1000, ...(filter && { filter }) };
    const { documents } = await client.documents.listDocuments(request, { signal });
    if (documents.length === 0) return;
    await client.documents.deleteDocuments({ documentIds: documents.map(({ id }) => id) }, { signal });
  }
}
