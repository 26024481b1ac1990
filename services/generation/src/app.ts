import { createKeyPool } from "@quartet/key-pool";
import { GenerationService } from "@quartet/contracts/generation/v1/generation_service";
import { createRpcServer, type ServiceModule } from "@quartet/rpc";
import { composeComponents, type App, type Component } from "@quartet/service";
import { createLogger, createMetrics, type Logger } from "@quartet/telemetry";
import { createChatClient } from "./adapters/openai-chat/chat-client.ts";
import { createOpenAiAnswerer } from "./adapters/openai-chat/openai-answerer.ts";
import { classify } from "./adapters/openai-chat/provider-errors.ts";
import { type Config, usesModel } from "./config.ts";
import type { Answerer } from "./domain/answerer.ts";
import type { AnswererError } from "./domain/answerer-error.ts";
import { createFallbackAnswerer } from "./domain/fallback-answerer.ts";
import { createExtractiveAnswerer } from "./domain/extractive-answerer.ts";
import { createGenerateAnswer } from "./handlers/generate-answer.ts";

export { parseConfig, usesModel, variables } from "./config.ts";
export type { Config } from "./config.ts";

/** The service without a process around it: what standalone mounts. */
export function createModule(config: Config, { logger }: { readonly logger: Logger }): ServiceModule {
  const extractive = createExtractiveAnswerer();
  const { answerer, close } = usesModel(config)
    ? createModelAnswerer(config, { extractive, logger })
    : { answerer: extractive, close: undefined };
  return {
    routes: (add) => add(GenerationService, { generateAnswer: createGenerateAnswer({ answerer }) }),
    ...(close === undefined ? {} : { stop: close }),
  };
}

/** A reply's bytes for each character of its text: every token, which may be less than one, comes in a JSON event of its own. */
const REPLY_BYTES_PER_CHARACTER = 1024;
const REPLY_BYTES_AT_LEAST = 1024 ** 2;

function createModelAnswerer(
  config: Config,
  { extractive, logger }: { readonly extractive: Answerer; readonly logger: Logger },
): { answerer: Answerer; close: () => Promise<void> } {
  const maxReplyBytes = REPLY_BYTES_AT_LEAST + REPLY_BYTES_PER_CHARACTER * config.maxOutputCharacters;
  const chat = createChatClient({ ...config, maxReplyBytes });
  // A local server that takes no key still wants the header.
  const keys = config.apiKeys.map(({ label, secret }) => ({ label, value: secret.reveal() }));
  const pool = createKeyPool({ keys: keys.length > 0 ? keys : [{ label: "no-key", value: "none" }], classify });
  const model = createOpenAiAnswerer({ ...config, chat, keys: pool });
  if (config.fallback === "none") return { answerer: model, close: chat.close };
  const onFallback = ({ failure, cause }: AnswererError) =>
    logger.warn({ reason: failure, err: cause }, "the model gave no answer; sentences are quoted instead");
  return { answerer: createFallbackAnswerer({ primary: model, fallback: extractive, onFallback }), close: chat.close };
}

const DRAIN_LIMIT_MS = 20_000;

/** The service as a process of its own, on gRPC. */
export function createApp(config: Config): App {
  const log = createLogger({ service: "generation", level: config.logLevel });
  const module = createModule(config, { logger: log });
  const metrics = createMetrics({ component: "generation" });
  const server = createRpcServer({ logger: log, metrics }).mount(module.routes);
  const listener: Component = {
    name: "rpc server",
    async start() {
      const { port } = await server.listen({ port: config.port, host: config.host });
      log.info({ port, answerer: usesModel(config) ? "model" : "extractive" }, "listening");
    },
    async stop() {
      await server.drain({ limitMs: DRAIN_LIMIT_MS });
      metrics.close();
    },
    stopLimitMs: DRAIN_LIMIT_MS + 1_000,
  };
  const answering: Component = {
    name: "answerer",
    start: (signal) => module.start?.(signal) ?? Promise.resolve(),
    stop: () => module.stop?.() ?? Promise.resolve(),
  };
  return { ...composeComponents("generation", [answering, listener]), log };
}
