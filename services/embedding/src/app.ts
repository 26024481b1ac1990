import { type Budget, openBudget } from "@quartet/budget";
import { EmbeddingService } from "@quartet/contracts/embedding/v1/embedding_service";
import { createProvider, type Provider } from "@quartet/provider";
import { createRedis, type Redis } from "@quartet/redis";
import type { ServiceModule } from "@quartet/rpc";
import { createServiceApp, StartError, type App, type Telemetry } from "@quartet/service";
import { createHashedEmbedder } from "./adapters/hashed-embedder.ts";
import { createEmbeddingsClient } from "./adapters/openai-embeddings/embeddings-client.ts";
import { nativeDimensions } from "./adapters/openai-embeddings/native-dimensions.ts";
import { createOpenAiEmbedder } from "./adapters/openai-embeddings/openai-embedder.ts";
import { createRedisVectors } from "./adapters/redis-vectors.ts";
import { createLocalModel, type LocalModel } from "./adapters/onnx/local-model.ts";
import { listModels } from "./adapters/onnx/model-store.ts";
import { type Config, modelsFolder, usesProvider } from "./config.ts";
import { type BatchingEmbedderOptions, createBatchingEmbedder } from "./domain/batching-embedder.ts";
import { createBudgetedEmbedder } from "./domain/budgeted-embedder.ts";
import type { Embedder } from "./domain/embedder.ts";
import { createTextEmbedding } from "./domain/text-embedding.ts";
import { createEmbedTexts } from "./handlers/embed-texts.ts";
import { createVectorCache } from "./vector-cache.ts";

export { parseConfig, usesProvider, variables } from "./config.ts";
export type { Config } from "./config.ts";

export interface ModuleOptions {
  /** Of the whole process, whose owner starts and stops it. Default: one for this module alone, as its configuration says. */
  readonly budget?: Budget | undefined;
}

/** The service without a process around it: what standalone mounts. */
export function createModule(config: Config, telemetry: Telemetry, options: ModuleOptions = {}): ServiceModule {
  const hashed = createHashedEmbedder();
  const local = findLocalModel(config, telemetry);
  const shared = usesProvider(config) || local !== undefined ? shareOverRedis(config, telemetry) : undefined;
  const ownBudget = "budget" in options || !usesProvider(config) ? undefined : openBudget(config, telemetry);
  const budget = options.budget ?? ownBudget;
  const provider = usesProvider(config) ? openProvider(config, { redis: shared?.redis, ...telemetry }) : undefined;
  const model = provider ? createModelEmbedder(config, telemetry, { provider, budget }) : local?.embedder;
  const cache = createVectorCache(config, shared?.vectors);
  const others = model === undefined ? [] : [hashed];
  const embedTexts = createEmbedTexts(
    createTextEmbedding({
      configured: model ?? hashed,
      others,
      cache: cache.memory,
      form: config.vectorForm,
      shared: shared?.vectors,
    }),
  );
  return {
    routes: (add) => add(EmbeddingService, { embedTexts }),
    ...(ownBudget && { budgets: ownBudget.figures }),
    start: async (signal) => {
      await local?.start(signal);
      await ownBudget?.start(signal);
    },
    stop: async () => {
      await model?.close?.();
      await provider?.close();
      await ownBudget?.stop();
      await shared?.close();
      cache.memory.clear();
    },
    figures: async () => ({
      caches: [cache.figures()],
      pools: [provider, shared].flatMap((pool) => (pool === undefined ? [] : [pool.figures()])),
      queues: local === undefined ? [] : [local.figures()],
      keys: provider?.keys.usage().map((key) => ({ pool: "embedding", ...key })) ?? [],
    }),
    invalidateCache: cache.invalidate,
  };
}

/**
 * The local model in use, where one is to be used and was added.
 *
 * @throws {StartError} where one has to be used and none was added, or the runtime is missing
 */
function findLocalModel(config: Config, { log }: Telemetry): LocalModel | undefined {
  if (config.embedder === "hashed" || usesProvider(config)) return undefined;
  const folder = modelsFolder(config);
  const [stored] = folder === undefined ? [] : listModels(folder);
  if (folder !== undefined && stored !== undefined)
    return createLocalModel({ ...config, modelsFolder: folder, stored, log });
  if (config.embedder !== "local") return undefined;
  throw new StartError(
    "QUARTET_EMBEDDER: local needs a model. Add one with `quartet models add PATH`, or choose auto or hashed.",
  );
}

/** What replicas share, where there is a Redis: vectors of the model, and which keys rest. */
function shareOverRedis(config: Config, { log, metrics }: Telemetry) {
  const { redisUrl, redisKeyPrefix: keyPrefix, redisTimeoutMs: timeoutMs } = config;
  if (redisUrl === undefined) return undefined;
  const redis = createRedis({ url: redisUrl.reveal(), keyPrefix, timeoutMs, name: "embedding", log, metrics });
  const vectors = createRedisVectors({
    redis,
    metrics,
    ttlMs: config.sharedCacheTtlMs,
    maxTextCharacters: config.maxTextCharacters,
    form: config.vectorForm,
  });
  return {
    vectors,
    redis,
    figures: () => redis.figures(),
    close: async () => {
      await vectors.close();
      await redis.close();
    },
  };
}

/** In base64, 2,048 vectors of 4,096 numbers are 45 MB; each call has a bound of its own, by the number of its texts. */
const MAX_REPLY_BYTES = 64 * 1024 ** 2;

const openProvider = (config: Config, given: { readonly redis: Redis | undefined } & Telemetry): Provider =>
  createProvider({ ...config, ...given, maxReplyBytes: MAX_REPLY_BYTES });

function createModelEmbedder(
  config: Config,
  { metrics }: Telemetry,
  { provider, budget }: { readonly provider: Provider; readonly budget: Budget | undefined },
): Embedder {
  const { model, queryPrefix, documentPrefix } = config;
  const asked = createOpenAiEmbedder({
    ...config,
    client: createEmbeddingsClient({ ...config, provider: provider.client }),
    keys: provider.keysFor("embedding.texts"),
    costOf: budget && ((tokens) => budget.costNanos(model, tokens)),
    dimensions: config.dimensions ?? (config.baseUrl === undefined ? nativeDimensions(config.model) : undefined),
  });
  const prefixes = [queryPrefix, documentPrefix];
  const embedder = budget ? createBudgetedEmbedder({ embedder: asked, budget, model, prefixes }) : asked;
  if (config.batchWaitMs === 0) return embedder;
  return createBatchingEmbedder({
    embedder,
    waitMs: config.batchWaitMs,
    maxTexts: config.batchTexts,
    maxBytes: config.batchBytes,
    maxCalls: config.connections,
    onCall: batchCounters(metrics),
  });
}

function batchCounters(metrics: Telemetry["metrics"]): NonNullable<BatchingEmbedderOptions["onCall"]> {
  const calls = metrics.counter("quartet_embedding_batches_total");
  const allTexts = metrics.counter("quartet_embedding_batch_texts_total");
  const allRequests = metrics.counter("quartet_embedding_batch_requests_total");
  return ({ purpose, texts, requests }) => {
    calls.with({ purpose }).add();
    allTexts.with({ purpose }).add(texts);
    allRequests.with({ purpose }).add(requests);
  };
}

/** The service as a process of its own, on gRPC. */
export function createApp(config: Config): App {
  return createServiceApp({ name: "embedding", config, createModule: (telemetry) => createModule(config, telemetry) });
}
