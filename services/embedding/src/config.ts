import path from "node:path";
import { budgetVariables, checkBudget } from "@quartet/budget";
import {
  checkDatabaseUrl,
  checkRedisUrl,
  checkTls,
  ConfigError,
  dataVariables,
  hasProvider,
  parseEnv,
  providerVariables,
  redisVariables,
  serverVariables,
  variable,
  type ConfigOf,
  type Environment,
} from "@quartet/service";
import { vectorForms } from "./domain/packed-vector.ts";

const MAX_TEXT_CHARACTERS = 8_192;

/** What a model on this machine takes. */
const localModelVariables = {
  ...dataVariables,
  modelsDir: variable.text("QUARTET_MODELS_DIR", {
    optional: true,
    pattern: /^[^\0]{1,4096}$/,
    expected: "the path of a folder",
    doc: "Folder of the models that `quartet models add` added; without it, models in QUARTET_DATA_DIR.",
  }),
  device: variable.choice("RAG_DEVICE", ["auto", "cpu", "cuda"], {
    default: "auto",
    doc: "Where a local model is computed: auto takes the GPU where the ONNX runtime has its part for CUDA, else the processors.",
  }),
  cpuThreads: variable.integer("RAG_CPU_THREADS", {
    optional: true,
    min: 1,
    max: 256,
    doc: "Threads for one computation of a local model; without it, one for each processor.",
  }),
} as const;

/** Everything that the embedding service reads from the environment. */
export const variables = {
  ...serverVariables({ service: "embedding", port: 50_051 }),
  embedder: variable.choice("QUARTET_EMBEDDER", ["auto", "openai", "local", "hashed"], {
    default: "auto",
    doc: "Who makes vectors: an OpenAI-compatible model, a local one added with `quartet models add`, or hashed character n-grams without any; auto takes the first if a key or base URL is set, else the second if there is one.",
  }),
  ...providerVariables,
  model: variable.text("QUARTET_EMBEDDING_MODEL", {
    default: "text-embedding-3-small",
    pattern: /^[\x21-\x7e]{1,128}$/,
    expected: "a model name of at most 128 characters without spaces",
    doc: "The model that makes vectors, as the provider names it.",
  }),
  revision: variable.text("QUARTET_EMBEDDING_REVISION", {
    optional: true,
    pattern: /^[\x21-\x7e]{1,128}$/,
    expected: "at most 128 characters without spaces",
    doc: "Which version of the model it is, where its name does not say; a change makes all vectors anew.",
  }),
  dimensions: variable.integer("QUARTET_EMBEDDING_DIMENSIONS", {
    optional: true,
    min: 1,
    max: 4_096,
    doc: "Length of vectors to ask the model for; without it, the model's own is taken.",
  }),
  queryPrefix: variable.text("QUARTET_EMBEDDING_QUERY_PREFIX", {
    default: "",
    doc: "What a provider's model wants before a question, such as query: with a space put behind it; a local one has its own.",
  }),
  documentPrefix: variable.text("QUARTET_EMBEDDING_DOCUMENT_PREFIX", {
    default: "",
    doc: "What a provider's model wants before a passage, such as passage: with a space put behind it; a local one has its own.",
  }),
  ...localModelVariables,
  maxTextCharacters: variable.integer("QUARTET_EMBEDDING_MAX_CHARACTERS", {
    default: 6_000,
    min: 1,
    max: MAX_TEXT_CHARACTERS,
    doc: "The most characters of a text that the model reads; the end of a longer one is left out, and the response says so.",
  }),
  batchTexts: variable.integer("QUARTET_EMBEDDING_BATCH_SIZE", {
    default: 64,
    min: 1,
    max: 2_048,
    doc: "The most texts in one call to the model.",
  }),
  batchBytes: variable.bytes("QUARTET_EMBEDDING_BATCH_BYTES", {
    default: 256 * 1024,
    min: 1024,
    max: 16 * 1024 ** 2,
    doc: "The most text in one call to the model, as UTF-8; a longer text goes alone.",
  }),
  batchWaitMs: variable.duration("QUARTET_EMBEDDING_BATCH_WAIT", {
    default: 5,
    min: 0,
    max: 1_000,
    doc: "How long texts of one request wait, while the model is being asked for another of the same tenant, to go with others in one call; 0ms to ask for each request on its own.",
  }),
  batchesAtOnce: variable.integer("QUARTET_EMBEDDING_CONCURRENCY", {
    default: 4,
    min: 1,
    max: 64,
    doc: "Calls to the model that one request makes at the same time.",
  }),
  timeoutMs: variable.duration("QUARTET_EMBEDDING_TIMEOUT", {
    default: 20_000,
    min: 50,
    max: 600_000,
    doc: "How long the model may take for one call, all attempts together.",
  }),
  denseWeight: variable.number("QUARTET_EMBEDDING_DENSE_WEIGHT", {
    default: 0.3,
    min: 0,
    max: 1,
    doc: "How much the model's vectors weigh beside keywords in convex fusion.",
  }),
  cacheThreshold: variable.number("QUARTET_EMBEDDING_CACHE_THRESHOLD", {
    default: 2,
    min: 0,
    max: 2,
    doc: "The least cosine at which two questions may share an answer; above 1 never. Set it only for a model measured for this.",
  }),
  cacheEntries: variable.integer("QUARTET_EMBEDDING_CACHE_ENTRIES", {
    default: 10_000,
    min: 1,
    max: 10_000_000,
    doc: "The most vectors kept in memory; the least recently used goes first.",
  }),
  cacheBytes: variable.bytes("QUARTET_EMBEDDING_CACHE_BYTES", {
    default: 128 * 1024 ** 2,
    min: 64 * 1024,
    max: 64 * 1024 ** 3,
    doc: "The most memory for kept vectors and their texts.",
  }),
  vectorForm: variable.choice("QUARTET_EMBEDDING_VECTORS", vectorForms, {
    default: "int8",
    doc: "How vectors are kept in memory and in Redis and travel to be stored: int8, a byte a component with one scale; or float32 as the model made them, in four times the room.",
  }),
  ...budgetVariables,
  ...redisVariables,
  sharedCacheTtlMs: variable.duration("QUARTET_EMBEDDING_SHARED_CACHE_TTL", {
    default: 7 * 24 * 3_600_000,
    min: 1_000,
    max: 90 * 24 * 3_600_000,
    doc: "How long the vector of a question that a model made is kept in Redis for other replicas; those of passages stay ten minutes at most.",
  }),
} as const;

export type Config = ConfigOf<typeof variables>;

/** @throws {ConfigError} with one line per mistake. */
export function parseConfig(environment: Environment): Config {
  const config = parseEnv(variables, environment);
  checkTls(config);
  checkRedisUrl(config);
  checkDatabaseUrl(config);
  if (config.embedder === "openai" && !hasProvider(config)) {
    throw new ConfigError([
      "QUARTET_EMBEDDER: openai needs a provider. Set OPENAI_API_KEY or OPENAI_BASE_URL, or choose auto or hashed.",
    ]);
  }
  checkBudget(config, usesProvider(config) ? [{ name: config.model, variable: "QUARTET_EMBEDDING_MODEL" }] : []);
  return config;
}

/** Whether a provider's model makes the vectors. */
export function usesProvider(config: Config): boolean {
  return config.embedder === "openai" || (config.embedder === "auto" && hasProvider(config));
}

/** Where models that were added lie; undefined where nothing is kept. */
export function modelsFolder({ modelsDir, dataDir }: Pick<Config, "modelsDir" | "dataDir">): string | undefined {
  if (modelsDir !== undefined) return modelsDir;
  return dataDir === ":memory:" ? undefined : path.join(dataDir, "models");
}
