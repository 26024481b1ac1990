import { hostname } from "node:os";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { InstanceService } from "@quartet/contracts/type/v1/instance_service";
import type {
  CacheStatsSchema,
  CountStatsSchema,
  InstanceStatsSchema,
  PoolStatsSchema,
  QueueStatsSchema,
} from "@quartet/contracts/type/v1/stats";
import type { PlatformStatusSchema } from "@quartet/contracts/type/v1/status";
import {
  type CacheFigures,
  type CountFigures,
  type Figures,
  type PoolFigures,
  principalOf,
  type QueueFigures,
  type Routes,
  type ServiceModule,
  toDuration,
} from "@quartet/rpc";
import { version } from "../version.ts";
import { invalidateCaches, wireLevels } from "./cache-levels.ts";
import { toBudget } from "./budget-stats.ts";
import { toKeys } from "./key-stats.ts";
import { createProcessMeter, type ProcessFigures } from "./process-figures.ts";

export interface InstanceReporterOptions {
  /** As in `retrieval`. */
  readonly service: string;
  /** Default: always. */
  readonly isReady?: () => boolean;
  /** Default: no pools and no queues. */
  readonly figures?: (signal: AbortSignal) => Promise<Figures>;
  /** The modules whose caches can be emptied and that spend money. Default: none. */
  readonly modules?: readonly Pick<ServiceModule, "invalidateCache" | "budgets">[];
}

/** What a process says of itself to whoever operates the platform. */
export interface InstanceReporter {
  /** Hosts InstanceService, for the tenant of each call. */
  readonly routes: Routes;
  /**
   * The figures of this moment. What cannot be asked, such as a queue in a store that is down, is named in `degradations`.
   *
   * @param tenant whose budget is told beside the platform's; default: neither is
   */
  report(signal: AbortSignal, tenant?: string): Promise<MessageInitShape<typeof PlatformStatusSchema>>;
  /** Ends the measuring. */
  close(): void;
}

/** Stores that hang must not hold up the figures of the process itself. */
const figuresLimitMs = 2_000;

/** One for each process. */
export function createInstanceReporter({
  service,
  isReady = () => true,
  figures = async () => ({}),
  modules = [],
}: InstanceReporterOptions): InstanceReporter {
  const meter = createProcessMeter();
  const startedAtMs = Math.round(Date.now() - process.uptime() * 1000);
  const report: InstanceReporter["report"] = async (signal, tenant) => {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(figuresLimitMs)]);
    const unlessAborted = () => {
      signal.throwIfAborted();
      return undefined;
    };
    const spending =
      tenant === undefined ? [] : modules.map(async (module) => (await module.budgets?.(tenant, limited)) ?? []);
    const [own, budgets] = await Promise.all([
      figures(limited).catch(unlessAborted),
      Promise.all(spending).catch(unlessAborted),
    ]);
    return {
      snapshotTime: timestampFromMs(Date.now()),
      instances: [toInstance({ service, ready: isReady(), startedAtMs }, meter.read())],
      pools: (own?.pools ?? []).map(toPool),
      queues: (own?.queues ?? []).map(toQueue),
      caches: (own?.caches ?? []).map(toCache),
      keys: toKeys(own?.keys ?? [], Date.now()),
      counts: (own?.counts ?? []).map(toCount),
      budgets: (budgets ?? []).flat().map(toBudget),
      degradations: own === undefined || own.incomplete || budgets === undefined ? [withoutFigures(service)] : [],
    };
  };
  return {
    report,
    routes: (add) => {
      add(InstanceService, {
        getInstanceReport: async (_request, context) => ({
          status: await report(context.signal, principalOf(context).tenant),
        }),
        invalidateInstanceCache: async ({ selector }, context) => {
          const { tenant } = principalOf(context);
          const removed = await invalidateCaches({ modules, tenant, selector }, context.signal);
          return { removedCount: BigInt(removed) };
        },
      });
    },
    close: () => meter.close(),
  };
}

const withoutFigures = (service: string) => ({
  hop: service,
  reason: "UPSTREAM_FAILED",
  message: `The ${service} service could not ask its stores for all figures of their pools, queues and budgets; look at its log.`,
});

/** A host may run several processes of a service, and a container's process is always the first of its own. */
const instance = `${hostname()}-${process.pid}`;

function toInstance(
  { service, ready, startedAtMs }: { readonly service: string; readonly ready: boolean; readonly startedAtMs: number },
  { cpuRatio, memoryRatio, residentBytes, heapBytes, eventLoopLagP99Ms }: ProcessFigures,
): MessageInitShape<typeof InstanceStatsSchema> {
  return {
    service,
    instance,
    version,
    ready,
    startTime: timestampFromMs(startedAtMs),
    cpuRatio,
    memoryRatio,
    residentByteCount: BigInt(residentBytes),
    heapByteCount: BigInt(heapBytes),
    eventLoopLagP99: toDuration(eventLoopLagP99Ms),
    shedding: false,
  };
}

function toPool(pool: PoolFigures): MessageInitShape<typeof PoolStatsSchema> {
  const { name, size, maxSize, idleCount, waitingCount, waitP95Ms } = pool;
  return { name, size, maxSize, idleCount, waitingCount, waitP95: toDuration(waitP95Ms) };
}

function toQueue(queue: QueueFigures): MessageInitShape<typeof QueueStatsSchema> {
  return {
    name: queue.name,
    waitingCount: BigInt(queue.waitingCount),
    runningCount: BigInt(queue.runningCount),
    doneCount: BigInt(queue.doneCount),
    deadLetterCount: BigInt(queue.deadLetterCount),
    oldestAge: toDuration(queue.oldestAgeMs),
  };
}

function toCache(cache: CacheFigures): MessageInitShape<typeof CacheStatsSchema> {
  return {
    level: wireLevels[cache.level],
    hitCount: BigInt(cache.hits),
    missCount: BigInt(cache.misses),
    coalescedCount: BigInt(cache.coalesced),
    bypassCount: BigInt(cache.bypasses),
    evictionCount: BigInt(cache.evictions),
    invalidationCount: BigInt(cache.invalidations),
    entryCount: BigInt(cache.entries),
    byteCount: BigInt(cache.bytes),
    oldestAge: toDuration(cache.oldestAgeMs),
  };
}

const toCount = ({ name, label, count, sum }: CountFigures): MessageInitShape<typeof CountStatsSchema> => ({
  name,
  label,
  count: BigInt(count),
  sum,
});
