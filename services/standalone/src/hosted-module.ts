import type { Transport } from "@connectrpc/connect";
import { Health, HealthCheckResponse_ServingStatus as Serving } from "@quartet/contracts/grpc/health/v1/health";
import { createInMemoryTransport, type Figures, type Routes, type ServiceModule } from "@quartet/rpc";
import { type Component, moduleComponent, watchFigures } from "@quartet/service";
import type { Logger, Metrics } from "@quartet/telemetry";

/** An inner service in this process, with what it has beside it in a process of its own: health, figures, metrics of both. */
export interface HostedModule {
  readonly transport: Transport;
  readonly component: Component;
  readonly isReady: () => boolean;
}

export interface HostedModuleOptions {
  readonly log: Logger;
  readonly metrics: Metrics;
  /** What every module answers beside its own services. */
  readonly beside: Routes;
}

/** Calls in memory; with the log, since no other place sees why an inner service failed. */
export function hostModule(
  name: string,
  module: ServiceModule,
  { log, metrics, beside }: HostedModuleOptions,
): HostedModule {
  let ready = false;
  const endings: (() => void)[] = [];
  const routes: Routes = (add) => {
    module.routes(add);
    beside(add);
    add(Health, { check: () => ({ status: ready ? Serving.SERVING : Serving.NOT_SERVING }) });
  };
  const component = moduleComponent(name, module);
  return {
    transport: createInMemoryTransport(routes, { logger: log }),
    isReady: () => ready,
    component: {
      ...component,
      async start(signal) {
        await component.start(signal);
        if (module.watchReady) endings.push(module.watchReady((to) => (ready = to)));
        else ready = true;
        const figures = module.figures?.bind(module);
        if (figures) endings.push(watchFigures(figures, metrics));
      },
      async stop(signal) {
        ready = false;
        for (const end of endings.splice(0)) end();
        await component.stop(signal);
      },
    },
  };
}

/** The figures of several modules as those of one process. */
export async function figuresOf(
  modules: readonly Pick<ServiceModule, "figures">[],
  signal: AbortSignal,
): Promise<Figures> {
  const all = await Promise.all(
    modules.map(async (module): Promise<Figures> => (await module.figures?.(signal)) ?? {}),
  );
  return {
    pools: all.flatMap(({ pools = [] }) => pools),
    queues: all.flatMap(({ queues = [] }) => queues),
    caches: all.flatMap(({ caches = [] }) => caches),
    keys: all.flatMap(({ keys = [] }) => keys),
    counts: all.flatMap(({ counts = [] }) => counts),
    incomplete: all.some(({ incomplete }) => incomplete === true),
  };
}
