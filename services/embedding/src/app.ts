import { createCache } from "@quartet/cache";
import { EmbeddingService } from "@quartet/contracts/embedding/v1/embedding_service";
import { createKeyPool } from "@quartet/key-pool";
import type { ServiceModule } from "@quartet/rpc";
import { createServiceApp, type App } from "@quartet/service";
import { createHashedEmbedder } from "./adapters/hashed-embedder.ts";
import { createEmbeddingsClient } from "./adapters/openai-embeddings/embeddings-client.ts";
import { nativeDimensions } from "./adapters/openai-embeddings/native-dimensions.ts";
import { createOpenAiEmbedder } from "./adapters/openai-embeddings/openai-embedder.ts";
import { classify } from "./adapters/openai-embeddings/provider-errors.ts";
import { type Config, usesModel } from "./config.ts";
import type { Embedder, TextVector } from "./domain/embedder.ts";
import { createTextEmbedding } from "./domain/text-embedding.ts";
import { createEmbedTexts } from "./handlers/embed-texts.ts";

export { parseConfig, usesModel, variables } from "./config.ts";
export type { Config } from "./config.ts";

/** The service without a process around it: what standalone mounts. */
export function createModule(config: Config): ServiceModule {
  const hashed = createHashedEmbedder();
  const model = usesModel(config) ? createModelEmbedder(config) : undefined;
  const cache = createCache<string, TextVector>({
    maxEntries: config.cacheEntries,
    maxBytes: config.cacheBytes,
    sizeOf: ({ vector }, key) => vector.byteLength + BYTES_PER_UNIT * key.length,
  });
  const embedTexts = createEmbedTexts(
    createTextEmbedding({ configured: model ?? hashed, others: model === undefined ? [] : [hashed], cache }),
  );
  return {
    routes: (add) => add(EmbeddingService, { embedTexts }),
    stop: async () => {
      await model?.close?.();
      cache.clear();
    },
  };
}

/** A character of a string takes two bytes at most per UTF-16 unit. */
const BYTES_PER_UNIT = 2;

/** A local server that takes no key still wants the header. */
const NO_KEY = { label: "no-key", value: "none" };

function createModelEmbedder(config: Config): Embedder {
  const keys = config.apiKeys.map(({ label, secret }) => ({ label, value: secret.reveal() }));
  return createOpenAiEmbedder({
    ...config,
    client: createEmbeddingsClient(config),
    keys: createKeyPool({ keys: keys.length > 0 ? keys : [NO_KEY], classify }),
    dimensions: config.dimensions ?? (config.baseUrl === undefined ? nativeDimensions(config.model) : undefined),
  });
}

/** The service as a process of its own, on gRPC. */
export function createApp(config: Config): App {
  return createServiceApp({ name: "embedding", config, createModule: () => createModule(config) });
}
