import * as compression from "@quartet/compression-service";
import * as embedding from "@quartet/embedding-service";
import * as gateway from "@quartet/gateway-service";
import * as generation from "@quartet/generation-service";
import * as retrieval from "@quartet/retrieval-service";
import { type AddService, createInMemoryTransport } from "@quartet/rpc";
import { type App, composeComponents, moduleComponent } from "@quartet/service";
import { createLogger, createMetrics } from "@quartet/telemetry";
import type { Config } from "./config.ts";

export { parseConfig, variables } from "./config.ts";
export type { Config } from "./config.ts";

/** All five services in one process: the inner four in memory, the gateway's port in front of them. */
export function createApp(config: Config): App {
  const log = createLogger({ service: "standalone", level: config.gateway.logLevel });
  const metrics = createMetrics({ component: "standalone" });
  const inner = {
    embedding: embedding.createModule(config.embedding),
    retrieval: retrieval.createModule(config.retrieval, { log }),
    compression: compression.createModule(),
    generation: generation.createModule(config.generation, { log }),
  };
  const inMemory = (add: AddService) => {
    for (const module of Object.values(inner)) module.routes(add);
  };
  // With the log: no other place sees why an inner service failed.
  const transport = createInMemoryTransport(inMemory, { logger: log });
  const front = gateway.createFront(config.gateway, {
    transports: { embedding: transport, retrieval: transport, compression: transport, generation: transport },
    telemetry: { log, metrics },
    // The line that scripts wait for.
    onListening: (url) => process.stdout.write(`quartet listening on ${url}\n`),
    ...(config.own.exposeInner && { alsoServed: inner.compression.routes }),
  });
  const parts = Object.entries(inner).map(([name, module]) => moduleComponent(name, module));
  return { ...composeComponents("standalone", [...parts, front]), log };
}
