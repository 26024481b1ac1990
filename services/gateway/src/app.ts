import { createGrpcTransport } from "@quartet/rpc";
import { type App, type Component, composeComponents, MAX_RELAY_MESSAGE_BYTES, readTlsFiles } from "@quartet/service";
import { createLogger, createMetrics } from "@quartet/telemetry";
import { createReplicasByAddress } from "./adapters/replicas-by-address.ts";
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
  const limits = { readMaxBytes: config.maxMessageBytes, writeMaxBytes: config.maxMessageBytes };
  const dial = (address: string, { readMaxBytes }: { readonly readMaxBytes: number } = limits) =>
    createGrpcTransport({
      target: address.includes("//") ? address : address.split(",").map((each) => each.trim()),
      ...{ ...limits, readMaxBytes },
      ...(tls && { tls }),
    });
  const addresses = {
    embedding: config.embeddingAddress,
    retrieval: config.retrievalAddress,
    compression: config.compressionAddress,
    generation: config.generationAddress,
  };
  const transports = {
    embedding: dial(addresses.embedding),
    retrieval: dial(addresses.retrieval),
    compression: dial(addresses.compression),
    generation: dial(addresses.generation, { readMaxBytes: Math.max(config.maxMessageBytes, MAX_RELAY_MESSAGE_BYTES) }),
  };
  const replicas = createReplicasByAddress({
    addresses,
    dial: (target, serverName) =>
      createGrpcTransport({ target, ...limits, ...(tls && { tls: { ...tls, serverName } }) }),
  });
  const connections: Component = {
    name: "connections",
    start: async () => undefined,
    stop: async () => {
      for (const transport of Object.values(transports)) transport.close();
      metrics.close();
    },
  };
  const front = createFront(config, { transports, replicas, telemetry: { log, metrics } });
  return { ...composeComponents("gateway", [connections, front]), log };
}
