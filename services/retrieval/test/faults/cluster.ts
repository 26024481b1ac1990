import { Code, ConnectError } from "@connectrpc/connect";
import { type Document, type DocumentSchema } from "@quartet/contracts/type/v1/document";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { EmbeddingSpaceKind } from "@quartet/contracts/type/v1/vector";
import type { SearchPassagesResponse } from "@quartet/contracts/retrieval/v1/retrieval_service";
import { createPool, migrate, type Pool } from "@quartet/postgres";
import { createTcpProxy, type TcpProxy, type TestStores } from "@quartet/testing";
import { hashedEmbedding } from "@quartet/text";
import { schema } from "../../src/adapters/postgres/schema.ts";
import { createHttpFront, type HttpFront } from "./http-front.ts";
import { type RetrievalProcess, startRetrieval, until } from "./retrieval-process.ts";

export const space = {
  id: "0123456789abcdef",
  dimensions: 2048,
  kind: EmbeddingSpaceKind.HASHED,
  denseWeight: 0.2,
  cacheThreshold: 2,
  model: "hashed",
};

const vectorOf = (text: string) => ({
  encoding: { case: "float32", value: { values: Array.from(hashedEmbedding(text)) } } as const,
});

export type NewDocument = MessageInitShape<typeof DocumentSchema>;

/** What tests call, on whatever stores. */
export interface Callable {
  /** Stores documents with their vectors, and waits until keywords find them. */
  put(documents: readonly NewDocument[]): Promise<void>;
  /** Gives vectors to all passages that lack one. */
  embed(): Promise<void>;
  search(query: string, options?: SearchOptions): Promise<SearchPassagesResponse>;
}

/** The retrieval service on genuine stores of its own, with everything in between that can fail. */
export interface Cluster extends Callable, AsyncDisposable {
  readonly service: RetrievalProcess;
  /** To PostgreSQL, and to Elasticsearch; behind the latter stands `searches`. */
  readonly record: TcpProxy;
  readonly index: TcpProxy;
  readonly searches: HttpFront;
  /** The database as its owner, past the proxy. */
  readonly owner: Pool;
  /** What must never be seen outside: passwords of the stores' addresses. */
  readonly secrets: readonly string[];
  /** Elasticsearch itself, past everything. */
  readonly elasticsearchUrl: string;
  readonly prefix: string;
  /** Takes every fault away and waits until searches lack nothing. */
  heal(): Promise<void>;
}

export interface SearchOptions {
  readonly pageSize?: number;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly options?: Record<string, unknown>;
}

const elasticsearchPassword = "canary-elasticsearch-password";

export async function openCluster(
  { postgres, elasticsearch }: Pick<TestStores, "postgres" | "elasticsearch">,
  environment: Readonly<Record<string, string>> = {},
): Promise<Cluster> {
  const endings: (() => PromiseLike<unknown>)[] = [];
  const database = await postgres.createDatabase();
  endings.push(() => database.drop());
  const { signal } = new AbortController();
  await migrate({ url: database.url, schema, signal });
  const owner = createPool({ url: database.url, schema: schema.name, applicationName: "quartet tests" });
  endings.push(() => owner.close());
  const indexes = elasticsearch.createPrefix();
  endings.push(() => indexes.drop());
  const searches = await createHttpFront(elasticsearch.url);
  endings.push(() => searches[Symbol.asyncDispose]());
  const record = await createTcpProxy({ target: database.url });
  const index = await createTcpProxy({ target: searches.url(elasticsearch.url) });
  endings.push(
    () => record.close(),
    () => index.close(),
  );
  const elasticsearchUrl = new URL(index.url(searches.url(elasticsearch.url)));
  elasticsearchUrl.username = "quartet";
  elasticsearchUrl.password = elasticsearchPassword;
  const service = await startRetrieval({
    DATABASE_URL: record.url(database.url),
    ELASTICSEARCH_URL: elasticsearchUrl.href,
    QUARTET_ELASTICSEARCH_PREFIX: indexes.prefix.replace(/-$/, ""),
    QUARTET_ELASTICSEARCH_REPLICAS: "0",
    QUARTET_RETRIEVAL_LEG_TIMEOUT: "2s",
    // What was found before a store went away would hide that it did.
    QUARTET_SEARCH_CACHE_ENTRIES: "0",
    ...environment,
  });
  endings.push(() => service[Symbol.asyncDispose]());
  await until(
    "the record can be asked",
    () => service.index.listCollections({}),
    () => true,
    60_000,
  );

  const { put, embed, search } = callable(service);
  return {
    service,
    record,
    index,
    searches,
    owner,
    secrets: [elasticsearchPassword, new URL(database.url).password].filter((secret) => secret !== ""),
    elasticsearchUrl: elasticsearch.url,
    prefix: indexes.prefix,
    embed,
    search,
    put,
    async heal() {
      searches.set({ kind: "pass" });
      await record.set({ kind: "pass" });
      await index.set({ kind: "pass" });
      await until(
        "searches lack nothing",
        () => search(`heal ${Math.random()}`),
        ({ failures }) => failures.length === 0,
      );
    },
    async [Symbol.asyncDispose]() {
      for (const end of endings.reverse()) await Promise.resolve(end()).catch(() => undefined);
    },
  };
}

/** The calls of a process, which may be another one after a restart. */
export function callable(service: RetrievalProcess): Callable {
  const embed = async () => {
    for (let pageToken = ""; ;) {
      const page = await service.index.listPassagesWithoutVector({
        collection: "default",
        spaceId: space.id,
        pageToken,
      });
      const vectors = page.contents.map(({ contentHash, text }) => ({ contentHash, vector: vectorOf(text) }));
      for (let start = 0; start < vectors.length; start += 64) {
        await service.index.putVectors({ collection: "default", space, vectors: vectors.slice(start, start + 64) });
      }
      if (page.nextPageToken === "") return;
      pageToken = page.nextPageToken;
    }
  };
  const search: Callable["search"] = (query, { pageSize = 10, timeoutMs = 20_000, options = {}, ...rest } = {}) =>
    service.retrieval.searchPassages(
      { query, pageSize, queryVector: vectorOf(query), spaceId: space.id, options },
      { timeoutMs, ...rest },
    );
  const projected = () =>
    until(
      "keywords find what was put",
      async () => (await service.index.listCollections({})).collections,
      (collections) => collections.every(({ state }) => state!.projectedSeq >= state!.recordSeq),
    );
  return {
    embed,
    search,
    async put(documents) {
      const { results } = await service.documents.putDocuments({ documents: [...documents] });
      const failed = results.filter(({ failure }) => failure !== undefined);
      if (failed.length > 0) throw new Error(`not stored: ${JSON.stringify(failed[0]!.failure?.message)}`);
      await embed();
      await projected();
    },
  };
}

/** What was left out of an answer: `retrieval.keyword OUT_OF_TIME`. */
export const leftOut = ({ failures }: SearchPassagesResponse): string[] =>
  failures.map(({ hop, reason }) => `${hop} ${reason}`).sort();

export const idsOf = ({ passages }: SearchPassagesResponse): string[] => passages.map(({ documentId }) => documentId);

/** The error of a call that must fail. */
export async function errorOf(call: Promise<unknown>): Promise<ConnectError> {
  const error = await call.then(
    () => new ConnectError("the call did not fail", Code.Unknown),
    (thrown: unknown) => thrown,
  );
  return ConnectError.from(error);
}

/** Documents about one thing each, in two languages. */
export const sample: readonly Pick<Document, "id" | "title" | "text" | "tags">[] = [
  { id: "부가세", title: "부가가치세", text: "부가가치세는 재화와 용역의 공급에 붙는 세금이다.", tags: ["tax"] },
  { id: "휴가", title: "연차 휴가", text: "연차 휴가는 1년에 15일이고 사흘 전에 신청한다.", tags: ["leave"] },
  {
    id: "cats",
    title: "Cats",
    text: "Cats sleep for most of the day and purr when they are content.",
    tags: ["animal"],
  },
  { id: "dogs", title: "Dogs", text: "Dogs bark at night when strangers come near the house.", tags: ["animal"] },
  {
    id: "refunds",
    title: "Refunds",
    text: "A refund takes 14 days and is paid to the card.",
    tags: ["leave", "money"],
  },
];
