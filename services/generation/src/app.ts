import { GenerationService } from "@quartet/contracts/generation/v1/generation_service";
import { createRpcServer, type ServiceModule } from "@quartet/rpc";
import { composeComponents, type App, type Component } from "@quartet/service";
import { createLogger, createMetrics, type Logger } from "@quartet/telemetry";
import { type Config, usesModel } from "./config.ts";
import type { Answerer } from "./domain/answerer.ts";
import { createExtractiveAnswerer } from "./domain/extractive-answerer.ts";
import { createGenerateAnswer } from "./handlers/generate-answer.ts";

export { parseConfig, usesModel, variables } from "./config.ts";
export type { Config } from "./config.ts";

/** The generation service for any host: a server of its own, or one process with the others. */
export function createGenerationModule(
  _config: Config,
  { logger: _logger }: { readonly logger: Logger },
): ServiceModule {
  const answerer: Answerer = createExtractiveAnswerer();
  return {
    routes: (add) => add(GenerationService, { generateAnswer: createGenerateAnswer({ answerer }) }),
  };
}

const DRAIN_LIMIT_MS = 20_000;

/** The generation service as a process of its own. */
export function createApp(config: Config): App {
  const log = createLogger({ service: "generation", level: config.logLevel });
  const module = createGenerationModule(config, { logger: log });
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
