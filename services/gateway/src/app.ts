import { createGrpcTransport } from "@quartet/rpc";
import { type App, type Component, composeComponents, readTlsFiles } from "@quartet/service";
import { createLogger, createMetrics } from "@quartet/telemetry";
import type { Config } from "./config.ts";
import { createFront } from "./front.ts";

export { parseConfig, variables } from "./config.ts";
export type { Config } from "./config.ts";
export { createFront } from "./front.ts";
export type { FrontOptions } from "./front.ts";

/** The gateway as a process of its own: the inner services over gRPC, calls spread over all their addresses. */
export async function createApp(config: Config): Promise<App> {
  const log = createLogger({ service: "gateway", level: config.logLevel });
  const metrics = createMetrics({ component: "gateway" });
  const tls = await readTlsFiles(config);
  const dial = (address: string) =>
    createGrpcTransport({
      target: address.includes("//") ? address : address.split(",").map((each) => each.trim()),
      readMaxBytes: config.maxMessageBytes,
      writeMaxBytes: config.maxMessageBytes,
      ...(tls && { tls }),
    });
  const transports = {
    embedding: dial(config.embeddingAddress),
    retrieval: dial(config.retrievalAddress),
    compression: dial(config.compressionAddress),
    generation: dial(config.generationAddress),
  };
  const connections: Component = {
    name: "connections",
    start: async () => undefined,
    stop: async () => {
      for (const transport of Object.values(transports)) transport.close();
      metrics.close();
    },
  };
  const front = createFront(config, { transports, telemetry: { log, metrics } });
  return { ...composeComponents("gateway", [connections, front]), log };
}
