import {
  checkDatabaseUrl,
  checkUrlOfDatabase,
  checkRedisUrl,
  checkTls,
  ConfigError,
  type ConfigOf,
  databaseVariables,
  dataVariables,
  type Environment,
  executorVariables,
  parseEnv,
  redisVariables,
  serverVariables,
  variable,
} from "@quartet/service";
import { sourcesKind } from "./config-sources.ts";
import { rerankForms } from "./adapters/rerank/rerank-forms.ts";
import type { Source } from "./domain/source.ts";

/** Where documents are kept and searched: in a folder, or in PostgreSQL and Elasticsearch. */
const storeVariables = {
  ...dataVariables,
  ...executorVariables,
  ...databaseVariables,
  elasticsearchUrl: variable.secret("ELASTICSEARCH_URL", {
    optional: true,
    doc: "Elasticsearch 8 or 9 with the nori plugin, as http://host:9200 or https://user:password@host:9200; it goes with DATABASE_URL.",
  }),
  elasticsearchApiKey: variable.secret("QUARTET_ELASTICSEARCH_API_KEY", {
    optional: true,
    doc: "API key for Elasticsearch, base64-encoded as Elasticsearch gives it; in place of a user in ELASTICSEARCH_URL.",
  }),
  elasticsearchPrefix: variable.text("QUARTET_ELASTICSEARCH_PREFIX", {
    default: "quartet",
    pattern: /^[a-z][a-z0-9-]{0,62}$/,
    expected: "lower-case letters, digits and hyphens, a letter first",
    doc: "What the names of the indexes, aliases and templates in Elasticsearch begin with; one for each installation that shares a cluster.",
  }),
  elasticsearchShards: variable.integer("QUARTET_ELASTICSEARCH_SHARDS", {
    default: 1,
    min: 1,
    max: 256,
    doc: "Primary shards of the keyword index; a change takes effect when the index is built anew (`quartet reindex`).",
  }),
  elasticsearchReplicas: variable.integer("QUARTET_ELASTICSEARCH_REPLICAS", {
    default: 1,
    min: 0,
    max: 16,
    doc: "Copies of each shard of the keyword index, on other nodes.",
  }),
  databasePoolSize: variable.integer("QUARTET_RETRIEVAL_DATABASE_CONNECTIONS", {
    default: 10,
    min: 2,
    max: 512,
    doc: "Connections that each retrieval process keeps to PostgreSQL at most.",
  }),
  adviseDatabaseUrl: variable.secret("QUARTET_ADVISE_DATABASE_URL", {
    optional: true,
    doc: "The same database for `quartet advise`, with a login that sees what statements read, such as its owner; without it, DATABASE_URL.",
  }),
  adviseCopyBytes: variable.bytes("QUARTET_ADVISE_COPY_BYTES", {
    default: 256 * 1024 ** 2,
    min: 1024 ** 2,
    max: 64 * 1024 ** 3,
    doc: "How much of a statement's tables `quartet advise` copies at most to try indexes on; of a larger table, a sample.",
  }),
  documentCacheEntries: variable.integer("QUARTET_DOCUMENT_CACHE_ENTRIES", {
    default: 1_000,
    min: 1,
    max: 1_000_000,
    doc: "The most counts of tags and taxonomy paths, and lists by a filter, kept in memory; the least recently used goes first.",
  }),
  documentCacheBytes: variable.bytes("QUARTET_DOCUMENT_CACHE_BYTES", {
    default: 32 * 1024 ** 2,
    min: 64 * 1024,
    max: 64 * 1024 ** 3,
    doc: "The most memory for them.",
  }),
  exactScanRows: variable.integer("QUARTET_EXACT_SCAN_ROWS", {
    default: 20_000,
    min: 0,
    max: 1_000_000,
    doc: "Up to how many vectors a collection is searched exactly in PostgreSQL; above, they move to a table of their own with an HNSW index.",
  }),
} as const;

/** How results of searches are kept. */
const resultVariables = {
  resultCacheEntries: variable.integer("QUARTET_SEARCH_CACHE_ENTRIES", {
    default: 10_000,
    min: 0,
    max: 10_000_000,
    doc: "The most search results kept in memory, the least recently used goes first; 0 keeps none, in Redis neither.",
  }),
  resultCacheBytes: variable.bytes("QUARTET_SEARCH_CACHE_BYTES", {
    default: 64 * 1024 ** 2,
    min: 64 * 1024,
    max: 64 * 1024 ** 3,
    doc: "The most memory for search results.",
  }),
  resultCacheTtlMs: variable.duration("QUARTET_SEARCH_CACHE_TTL", {
    default: 3_600_000,
    min: 1_000,
    max: 24 * 3_600_000,
    doc: "How long a search result is kept, in memory and in Redis, while its documents do not change; with them it goes at once.",
  }),
  ...redisVariables,
} as const;

/** What orders the passages that were found anew. */
const rerankVariables = {
  reranker: variable.choice("QUARTET_RERANKER", ["none", "builtin", "http"], {
    default: "builtin",
    doc: "What orders the passages found anew: nothing; what is built in, which lifts passages close to good ones by the vectors of a model; or an endpoint at QUARTET_RERANK_URL.",
  }),
  rerankUrl: variable.url("QUARTET_RERANK_URL", {
    optional: true,
    doc: "The rerank endpoint itself, such as https://api.cohere.com/v2/rerank, https://api.jina.ai/v1/rerank or http://host:8080/rerank.",
  }),
  rerankForm: variable.choice("QUARTET_RERANK_FORM", rerankForms, {
    default: "cohere",
    doc: "Whose API the rerank endpoint speaks: Cohere's, Jina's (vLLM, llama.cpp and others too), or that of text-embeddings-inference.",
  }),
  rerankModel: variable.text("QUARTET_RERANK_MODEL", {
    default: "",
    pattern: /^[\x21-\x7e]{1,128}$/,
    expected: "a model name of at most 128 characters without spaces",
    doc: "The rerank model, as the endpoint names it; not needed where it serves one alone.",
  }),
  rerankApiKey: variable.secret("QUARTET_RERANK_API_KEY", {
    optional: true,
    doc: "API key for the rerank endpoint.",
  }),
  rerankCandidates: variable.integer("QUARTET_RERANK_CANDIDATES", {
    default: 32,
    min: 2,
    max: 1_000,
    doc: "How many of the best passages the rerank endpoint is shown; text-embeddings-inference takes 32 unless told otherwise.",
  }),
  rerankTimeLimitMs: variable.duration("QUARTET_RERANK_TIMEOUT", {
    default: 1_000,
    min: 10,
    max: 60_000,
    doc: "How long the rerank endpoint may take, within a quarter of the search's time; then the passages stand as they were found, and the answer says so.",
  }),
} as const;

/**
 * All documents of the tenant, by words and by vectors; and its graph, where it has one. A graph knows what is linked to a question and not what
 * answers it: at a fifth it helps, at the same weight a graph of chance neighbours does harm (deploy/docs/graph.md).
 */
const defaultSources: readonly Source[] = [
  { name: "corpus", kind: "hybrid" },
  { name: "graph", kind: "graph", weight: 0.2 },
];

/** Everything that the retrieval service reads from the environment. */
export const variables = {
  ...serverVariables({ service: "retrieval", port: 50_052 }),
  ...storeVariables,
  ...resultVariables,
  ...rerankVariables,
  legTimeLimitMs: variable.duration("QUARTET_RETRIEVAL_LEG_TIMEOUT", {
    default: 2_000,
    min: 10,
    max: 60_000,
    doc: "How long keywords, and how long vectors, may search for one question; what is later is left out, and the answer says so.",
  }),
  sources: variable.parsed(
    "QUARTET_SOURCES",
    {
      default: defaultSources,
      doc: "What searches ask: entries with semicolons in between, each a name, a kind (hybrid, keyword, vector or graph), and where wanted collections=A,B weight=0.5 timeout=300ms default=off.",
    },
    sourcesKind,
  ),
  pageTokenKey: variable.secret("QUARTET_PAGE_TOKEN_KEY", {
    optional: true,
    doc: "What the page tokens of searches are signed with, at least 32 characters; without it, a random key that the stores keep for all processes.",
  }),
} as const;

export type Config = ConfigOf<typeof variables>;

/** What decides which stores are opened, and how. */
export type StoreConfig = ConfigOf<typeof storeVariables> & Pick<Config, "legTimeLimitMs" | "sources" | "pageTokenKey">;

/** What decides whether results are kept, and where. */
export type ResultConfig = ConfigOf<typeof resultVariables>;

/** What decides how passages are ordered anew. */
export type RerankConfig = ConfigOf<typeof rerankVariables>;

/** @throws {ConfigError} with one line per mistake. */
export function parseConfig(environment: Environment): Config {
  const config = parseEnv(variables, environment);
  checkTls(config);
  checkDatabaseUrl(config);
  checkUrlOfDatabase("QUARTET_ADVISE_DATABASE_URL", config.adviseDatabaseUrl);
  checkRedisUrl(config);
  checkElasticsearchUrl(config);
  checkTogether(config);
  checkPageTokenKey(config);
  checkRerank(config);
  return config;
}

/** The address may hold a password, so it is not shown. */
function checkElasticsearchUrl({ elasticsearchUrl, elasticsearchApiKey }: Config): void {
  if (elasticsearchUrl === undefined) return;
  const url = URL.parse(elasticsearchUrl.reveal());
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    throw new ConfigError([
      "ELASTICSEARCH_URL: is no address of Elasticsearch. Write it as http://host:9200 or https://user:password@host:9200.",
    ]);
  }
  if (url.username !== "" && elasticsearchApiKey !== undefined) {
    throw new ConfigError([
      "QUARTET_ELASTICSEARCH_API_KEY: ELASTICSEARCH_URL names a user already. Set one of the two.",
    ]);
  }
}

function checkPageTokenKey({ pageTokenKey }: Config): void {
  if (pageTokenKey === undefined || pageTokenKey.reveal().length >= 32) return;
  throw new ConfigError([
    "QUARTET_PAGE_TOKEN_KEY: has fewer than 32 characters. Take a long random one, such as `openssl rand -hex 32` gives, or leave it out.",
  ]);
}

function checkRerank({ reranker, rerankUrl, rerankForm, rerankModel }: Config): void {
  if (reranker === "http" && rerankUrl === undefined) {
    throw new ConfigError([
      "QUARTET_RERANK_URL: is not set, and QUARTET_RERANKER is http. Write the endpoint's address.",
    ]);
  }
  if (reranker === "http" && rerankForm === "cohere" && rerankModel === "") {
    throw new ConfigError([
      "QUARTET_RERANK_MODEL: is not set, and Cohere's API needs one, such as rerank-v3.5. For other APIs set QUARTET_RERANK_FORM.",
    ]);
  }
}

function checkTogether({ databaseUrl, elasticsearchUrl }: Config): void {
  if ((databaseUrl === undefined) === (elasticsearchUrl === undefined)) return;
  const [given, missing] =
    databaseUrl === undefined ? ["ELASTICSEARCH_URL", "DATABASE_URL"] : ["DATABASE_URL", "ELASTICSEARCH_URL"];
  throw new ConfigError([
    `${missing}: is not set, and ${given} is. The record in PostgreSQL and the keywords in Elasticsearch go together: set both, or none to keep all in QUARTET_DATA_DIR.`,
  ]);
}
