import { readFile } from "node:fs/promises";
import { createRpcServer, type RpcServer, type ServiceModule } from "@quartet/rpc";
import { createLogger, createMetrics, type Logger, type Metrics } from "@quartet/telemetry";
import type { WorkerPool } from "@quartet/workers";
import type { Component } from "../lifecycle/component.ts";
import { composeComponents } from "../lifecycle/compose.ts";
import type { App } from "../lifecycle/run-main.ts";
import { executorComponent } from "./executor.ts";
import { watchFigures } from "./figure-gauges.ts";
import { createInstanceReporter } from "./instance-reporter.ts";
import { checkReach, type ServerConfig, type TlsConfig } from "./server-config.ts";

/** What a module is given by the process it runs in. */
export interface Telemetry {
  readonly log: Logger;
  readonly metrics: Metrics;
}

export interface ServiceAppOptions {
  /** As in logs and metrics, such as `embedding`. */
  readonly name: string;
  readonly config: ServerConfig;
  /** Makes the service itself: what standalone mounts in memory. */
  readonly createModule: (telemetry: Telemetry) => ServiceModule;
  /** The threads that the module was given; closed after it, and told among its figures. Default: none. */
  readonly workers?: WorkerPool;
  /** The longest response. Default: 4 MiB, as clients take by default. */
  readonly writeMaxBytes?: number;
  /** How long running calls may take to finish when the process is told to stop. Default 20,000. */
  readonly drainLimitMs?: number;
  /** Default: one that writes to standard error. */
  readonly log?: Logger;
}

const startedStopLimitMs = 10_000;

/**
 * An inner service as a process of its own: its module first, then a gRPC server in front of it, with its figures, health and reflection.
 * Throws ConfigError.
 */
export function createServiceApp({
  name,
  config,
  createModule,
  workers,
  writeMaxBytes,
  drainLimitMs = 20_000,
  ...given
}: ServiceAppOptions): App {
  checkReach(config);
  const log = given.log ?? createLogger({ service: name, level: config.logLevel });
  const metrics = createMetrics({ component: name });
  const module = createModule({ log, metrics });
  let server: RpcServer | undefined;
  let ready = false;
  const figures = withWorkers(module.figures?.bind(module), workers);
  const reporter = createInstanceReporter({
    service: name,
    isReady: () => ready,
    modules: [module],
    ...(figures && { figures }),
  });
  const endings: (() => void)[] = [() => reporter.close()];
  const listener: Component = {
    name: "rpc server",
    async start() {
      const tls = await readTlsFiles(config);
      server = createRpcServer({
        logger: log,
        metrics,
        trustNetwork: config.trustNetwork,
        ...(writeMaxBytes !== undefined && { writeMaxBytes }),
        ...(tls && { tls: { ...tls, clientAuthority: tls.authority } }),
      })
        .mount(module.routes)
        .mount(reporter.routes);
      const { port } = await server.listen({ port: config.port, host: config.host });
      const setReady = (to: boolean) => {
        if (to !== ready) log.info({ ready: to }, to ? "ready" : "not ready");
        ready = to;
        server?.setServing(to);
      };
      if (module.watchReady) endings.push(module.watchReady(setReady));
      else setReady(true);
      if (figures) endings.push(watchFigures(figures, metrics));
      log.info({ port }, "listening");
    },
    async stop() {
      for (const end of endings.splice(0)) end();
      ready = false;
      await server?.drain({ limitMs: drainLimitMs });
      metrics.close();
    },
    stopLimitMs: drainLimitMs + 1_000,
  };
  const parts = [
    ...(workers === undefined ? [] : [executorComponent(workers)]),
    moduleComponent(name, module),
    listener,
  ];
  return { ...composeComponents(name, parts), log };
}

function withWorkers(
  figures: ServiceModule["figures"],
  workers: WorkerPool | undefined,
): ServiceModule["figures"] | undefined {
  if (workers === undefined) return figures;
  return async (signal) => {
    const own = (await figures?.(signal)) ?? {};
    return { ...own, pools: [...(own.pools ?? []), workers.figures()] };
  };
}

/** A module as a part of a process: started before what lets calls in, stopped after the last call has ended. */
export function moduleComponent(name: string, module: ServiceModule): Component {
  return {
    name,
    start: async (signal) => await module.start?.(signal),
    stop: async () => await module.stop?.(),
    stopLimitMs: startedStopLimitMs,
  };
}

/** The certificate, key and authority that the files hold; undefined where none are named. */
export async function readTlsFiles({ tlsCertificate, tlsPrivateKey, tlsAuthority }: TlsConfig) {
  if (tlsCertificate === undefined || tlsPrivateKey === undefined || tlsAuthority === undefined) return undefined;
  const [certificate, privateKey, authority] = await Promise.all(
    [tlsCertificate, tlsPrivateKey, tlsAuthority].map((file) => readFile(file, "utf8")),
  );
  return { certificate: certificate ?? "", privateKey: privateKey ?? "", authority: authority ?? "" };
}
