import { openBudget } from "@quartet/budget";
import * as compression from "@quartet/compression-service";
import * as embedding from "@quartet/embedding-service";
import * as gateway from "@quartet/gateway-service";
import * as generation from "@quartet/generation-service";
import * as retrieval from "@quartet/retrieval-service";
import {
  type App,
  type Component,
  composeComponents,
  createExecutor,
  createInstanceReporter,
  executorComponent,
  watchFigures,
} from "@quartet/service";
import type { Routes } from "@quartet/rpc";
import { createLogger, createMetrics } from "@quartet/telemetry";
import type { Config } from "./config.ts";
import { figuresOf, hostModule } from "./hosted-module.ts";

export { parseConfig, variables } from "./config.ts";
export type { Config } from "./config.ts";

const asksProvider = (config: Config): boolean =>
  embedding.usesProvider(config.embedding) ||
  generation.usesModel(config.generation) ||
  generation.relaysChats(config.generation);

/** All five services in one process: the inner four in memory, the gateway's port in front of them. */
export function createApp(config: Config): App {
  const log = createLogger({ service: "standalone", level: config.gateway.logLevel });
  const metrics = createMetrics({ component: "standalone" });
  const workers = createExecutor(config.retrieval);
  // One for both that spend: each with its own would know half of what is reserved.
  const budget = asksProvider(config) ? openBudget(config.generation, { log, metrics }) : undefined;
  const inner = {
    embedding: embedding.createModule(config.embedding, { log, metrics }, { budget }),
    retrieval: retrieval.createModule(config.retrieval, { log, metrics }, workers),
    compression: compression.createModule(),
    generation: generation.createModule(config.generation, { log, metrics }, { budget }),
  };
  const workerFigures = async () => ({ pools: [workers.figures()] });
  const reporter = createInstanceReporter({
    service: "standalone",
    isReady: () => Object.values(hosted).every(({ isReady }) => isReady()),
    figures: (signal) => figuresOf([...Object.values(inner), { figures: workerFigures }], signal),
    modules: budget === undefined ? Object.values(inner) : [...Object.values(inner), { budgets: budget.figures }],
  });
  const innerRoutes: Routes = (add) => {
    for (const { routes } of [inner.embedding, inner.retrieval, inner.compression]) routes(add);
  };
  const host = (name: keyof typeof inner) => hostModule(name, inner[name], { log, metrics, beside: reporter.routes });
  const hosted = {
    embedding: host("embedding"),
    retrieval: host("retrieval"),
    compression: host("compression"),
    generation: host("generation"),
  };
  const front = gateway.createFront(config.gateway, {
    transports: {
      embedding: hosted.embedding.transport,
      retrieval: hosted.retrieval.transport,
      compression: hosted.compression.transport,
      generation: hosted.generation.transport,
    },
    telemetry: { log, metrics },
    // The line that scripts wait for.
    onListening: (url) => process.stdout.write(`quartet listening on ${url}\n`),
    ...(config.own.exposeInner && { alsoServed: innerRoutes }),
  });
  let endWatching = () => {};
  const figures: Component = {
    name: "figures",
    start: async () => void (endWatching = watchFigures(workerFigures, metrics)),
    stop: async () => {
      endWatching();
      reporter.close();
    },
  };
  const spending: Component[] = budget === undefined ? [] : [{ name: "budget", ...budget }];
  const parts = Object.values(hosted).map(({ component }) => component);
  return {
    ...composeComponents("standalone", [executorComponent(workers), figures, ...spending, ...parts, front]),
    log,
  };
}
