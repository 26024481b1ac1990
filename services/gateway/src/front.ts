import { createOnePortServer, isLoopback, loopbackNames, type OnePortServer, type Routes } from "@quartet/rpc";
import {
  type Component,
  composeComponents,
  createInstanceReporter,
  moduleComponent,
  type Telemetry,
} from "@quartet/service";
import { type Access, createAccess } from "./access.ts";
import { openPostgresStores } from "./adapters/postgres/stores.ts";
import type { Config } from "./config.ts";
import type { Transports } from "./hops/hops.ts";
import { type Replicas, replicasBehind } from "./hops/replicas.ts";
import { createEndpoints, openAiHeaders } from "./http/endpoints.ts";
import { aliases, createHttpRoutes } from "./http-routes.ts";
import { createModule } from "./module.ts";
import { createReadiness } from "./readiness.ts";
import type { Stores } from "./stores.ts";

export interface FrontOptions {
  /** How the inner services are reached. */
  readonly transports: Transports;
  readonly telemetry: Telemetry;
  /** The processes behind the transports, where those reach more than one each. Default: one each. */
  readonly replicas?: Replicas;
  /** Default: those in PostgreSQL where DATABASE_URL is set, else none. */
  readonly stores?: Stores;
  /** More services to host on the port; standalone uses it for evaluation. */
  readonly alsoServed?: Routes;
  /** Told where the port is once it is open. */
  readonly onListening?: (url: string) => void;
  /** How long running calls may take to finish when the process is told to stop. Default 20,000. */
  readonly drainLimitMs?: number;
}

/** The public side of Quartet as a part of a process: the gateway's services, its worker, and the one port in front of them. */
export function createFront(config: Config, options: FrontOptions): Component {
  const { transports, telemetry, alsoServed, onListening, drainLimitMs = 20_000 } = options;
  const { log, metrics } = telemetry;
  const { replicas = replicasBehind(transports), stores = storesOf(config, telemetry) } = options;
  const access = accessOf(config, stores, telemetry);
  let draining = false;
  const reporter = createInstanceReporter({
    service: "gateway",
    isReady: () => !draining,
    figures: async () => ({ pools: stores?.figures() ?? [] }),
  });
  const module = createModule(config, {
    ...telemetry,
    transports,
    replicas,
    stores,
    access,
    report: (signal) => reporter.report(signal),
  });
  const server: OnePortServer = createOnePortServer({
    logger: log,
    metrics,
    readMaxBytes: config.maxMessageBytes,
    writeMaxBytes: config.maxMessageBytes,
    defaultTimeoutMs: config.defaultTimeoutMs,
    maxTimeoutMs: config.maxTimeoutMs,
    readerStallMs: config.readerStallMs,
    cors: { origins: config.corsOrigins, ...openAiHeaders },
    ...hostNamesOf(config),
    ...(access && { authenticate: access.authenticate }),
    aliases,
    endpoints: createEndpoints(config, module),
    fallback: createHttpRoutes({ metrics, readiness: createReadiness(transports), draining: () => draining }),
  }).mount(module.routes);
  if (alsoServed !== undefined) server.mount(alsoServed);
  const port: Component = {
    name: "public port",
    async start() {
      if (access === undefined && !isLoopback(config.host)) {
        log.warn({}, "QUARTET_AUTHENTICATION is none: whoever reaches this port may ask, read and change everything");
      }
      const { port } = await server.listen(config);
      const host = config.host.includes(":") ? `[${config.host}]` : config.host;
      log.info({ port }, "listening");
      onListening?.(`http://${host}:${port}`);
    },
    async stop() {
      draining = true;
      await server.drain({ limitMs: drainLimitMs });
    },
    stopLimitMs: drainLimitMs + 1_000,
  };
  const kept: Component = {
    name: "gateway stores",
    start: async (signal) => await stores?.start(signal),
    async stop() {
      access?.close();
      replicas.close();
      reporter.close();
      await stores?.stop();
    },
  };
  return composeComponents("gateway", [kept, moduleComponent("gateway services", module), port]);
}

function storesOf({ databaseUrl }: Config, { log }: Telemetry): Stores | undefined {
  return databaseUrl && openPostgresStores({ url: databaseUrl.reveal(), log });
}

/** Undefined where everyone is let in. The configuration is checked before; a door that cannot ask stays shut all the same. */
function accessOf({ authentication }: Config, stores: Stores | undefined, telemetry: Telemetry): Access | undefined {
  if (authentication === "none") return undefined;
  if (stores === undefined) throw new TypeError("Access tokens need a store.");
  return createAccess(stores.access, telemetry);
}

/** Without sign-in, what keeps a gateway on loopback to its own machine is that browsers call it by a name of that machine. */
function hostNamesOf({ host, hostNames }: Config): { readonly hostNames?: readonly string[] } {
  if (isLoopback(host)) return { hostNames: [loopbackNames, ...hostNames] };
  return hostNames.length > 0 ? { hostNames: [loopbackNames, ...hostNames] } : {};
}
