import type { Interceptor } from "@connectrpc/connect";
import { AccessTokenService } from "@quartet/contracts/gateway/v1/access_token_service";
import { AnswerService } from "@quartet/contracts/gateway/v1/answer_service";
import { DocumentService } from "@quartet/contracts/gateway/v1/document_service";
import { OperationsService } from "@quartet/contracts/gateway/v1/operations_service";
import { SearchService } from "@quartet/contracts/gateway/v1/search_service";
import { createClient, createInMemoryTransport, principalKey, type Routes } from "@quartet/rpc";
import { createLogger, createMetrics } from "@quartet/telemetry";
import { parseConfig } from "../src/config.ts";
import { createFront } from "../src/front.ts";
import type { Transports } from "../src/hops/hops.ts";
import { createAccess } from "../src/access.ts";
import { replicasBehind } from "../src/hops/replicas.ts";
import { createModule } from "../src/module.ts";
import type { Stores } from "../src/stores.ts";
import { createFakeServices } from "./fakes.ts";

export interface OpenOnPortOptions {
  readonly drainLimitMs?: number;
  readonly reach?: (routes: Routes) => Promise<Transports>;
  readonly stores?: Stores;
}

function open(environment: Record<string, string>) {
  const inner = createFakeServices();
  const logged: string[] = [];
  const log = createLogger({ service: "gateway", destination: { write: (line) => void logged.push(line) } });
  const metrics = createMetrics({ component: "gateway", processMetrics: false });
  const tenants: string[] = [];
  const noteTenant: Interceptor = (next) => (request) => {
    tenants.push(`${request.method.name} for ${request.contextValues.get(principalKey).tenant}`);
    return next(request);
  };
  const transport = createInMemoryTransport(inner.routes, { logger: log, interceptors: [noteTenant] });
  return {
    inner,
    /** Calls to the inner services in memory, each with the tenant it was made for. */
    tenants,
    logged,
    metrics,
    metricsText: async () => (await metrics.exposition()).text,
    config: parseConfig({ QUARTET_PORT: "0", QUARTET_INDEX_POLL: "100ms", ...environment }),
    transports: { embedding: transport, retrieval: transport, compression: transport, generation: transport },
    telemetry: { log, metrics },
  };
}

/** The gateway's handlers over fake services, called in memory as a host calls them. The worker runs only where asked for. */
export async function openInMemory(
  environment: Record<string, string> = {},
  options: { worker?: boolean; stores?: Stores; transports?: Transports } = {},
) {
  const { inner, tenants, logged, metrics, metricsText, config, telemetry, ...fakes } = open(environment);
  const { worker = false, stores, transports = fakes.transports } = options;
  const access = config.authentication === "tokens" && stores ? createAccess(stores.access, telemetry) : undefined;
  const module = createModule(config, {
    ...telemetry,
    transports,
    replicas: replicasBehind(transports),
    stores,
    access,
    report: async () => ({ instances: [{ service: "gateway", instance: "g-1" }] }),
  });
  if (worker) await module.start?.(new AbortController().signal);
  const transport = createInMemoryTransport(module.routes, {
    callers: "edge",
    validate: true,
    logger: telemetry.log,
    ...(access && { authenticate: access.authenticate }),
  });
  return {
    inner,
    tenants,
    logged,
    metricsText,
    answers: createClient(AnswerService, transport),
    search: createClient(SearchService, transport),
    documents: createClient(DocumentService, transport),
    tokens: createClient(AccessTokenService, transport),
    operations: createClient(OperationsService, transport),
    async [Symbol.asyncDispose]() {
      await module.stop?.();
      access?.close();
      metrics.close();
    },
  };
}

/** The gateway on a port of its own, over fake services in memory or wherever `reach` says. */
export async function openOnPort(environment: Record<string, string> = {}, options: OpenOnPortOptions = {}) {
  const { inner, logged, metrics, metricsText, config, transports, telemetry } = open(environment);
  const reached = (await options.reach?.(inner.routes)) ?? transports;
  let url = "";
  const front = createFront(config, {
    transports: reached,
    telemetry,
    onListening: (at) => (url = at),
    ...(options.drainLimitMs !== undefined && { drainLimitMs: options.drainLimitMs }),
    ...(options.stores && { stores: options.stores }),
  });
  await front.start(new AbortController().signal);
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= front.stop(new AbortController().signal));
  return {
    inner,
    logged,
    metricsText,
    url,
    /** As when the process is told to end. */
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      metrics.close();
    },
  };
}
