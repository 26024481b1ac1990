import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Duration, timestampNow } from "@bufbuild/protobuf/wkt";
import {
  type BudgetStats,
  type CacheLevel,
  type CacheStats,
  type CountStats,
  type InstanceStats,
  type KeyStats,
  type PoolStats,
  type QueueStats,
} from "@quartet/contracts/type/v1/stats";
import { type PlatformStatus, PlatformStatusSchema } from "@quartet/contracts/type/v1/status";
import { list } from "./convert.ts";
import type { Degradation } from "./domain/outcome.ts";
import { mergeBudgets } from "./merge-budgets.ts";
import { mergeKeys } from "./merge-keys.ts";

export type Report = MessageInitShape<typeof PlatformStatusSchema>;

/**
 * The figures of processes as those of one platform. Pools of one name add up, and the longest wait stands for all; caches likewise. A queue is kept in the
 * record, so that each process sees the whole of what waits: that is not added up, what each has done is. Keys and counts add up by name and label, budgets not.
 */
export function mergeReports(reports: readonly Report[], missing: readonly Degradation[]): PlatformStatus {
  const all = reports.map((report) => create(PlatformStatusSchema, report));
  const instances = new Map<string, InstanceStats>();
  const pools = new Map<string, PoolStats>();
  const queues = new Map<string, QueueStats>();
  const caches = new Map<CacheLevel, CacheStats>();
  const counts = new Map<string, CountStats>();
  const keys: KeyStats[] = [];
  const budgets: BudgetStats[] = [];
  const degradations = new Map<string, Degradation>();
  for (const degradation of missing) degradations.set(keyOf(degradation), degradation);
  const seen = new Set<string>();
  for (const report of all) {
    // Within one process every transport leads to the same report, and the gateway is a part of what it says.
    const name = report.instances.map(({ service, instance }) => `${service} ${instance}`).join();
    if (seen.has(name)) continue;
    seen.add(name);
    for (const stats of report.instances) if (!instances.has(stats.instance)) instances.set(stats.instance, stats);
    for (const pool of report.pools) pools.set(pool.name, addPools(pools.get(pool.name), pool));
    for (const queue of report.queues) queues.set(queue.name, addQueues(queues.get(queue.name), queue));
    for (const cache of report.caches) caches.set(cache.level, addCaches(caches.get(cache.level), cache));
    for (const count of report.counts) {
      const name = `${count.name} ${count.label}`;
      counts.set(name, addCounts(counts.get(name), count));
    }
    keys.push(...report.keys);
    budgets.push(...report.budgets);
    for (const degradation of report.degradations) degradations.set(keyOf(degradation), degradation as Degradation);
  }
  const byName = (one: { name: string }, other: { name: string }) => (one.name < other.name ? -1 : 1);
  return create(PlatformStatusSchema, {
    snapshotTime: timestampNow(),
    degradations: list([...degradations.values()]),
    instances: [...instances.values()].sort(byService),
    pools: [...pools.values()].sort(byName),
    queues: [...queues.values()].sort(byName),
    caches: [...caches.values()].sort((one, other) => one.level - other.level),
    keys: mergeKeys(keys),
    budgets: mergeBudgets(budgets),
    counts: [...counts.values()].sort(byNameAndLabel),
  });
}

const keyOf = ({ hop, reason }: Pick<Degradation, "hop" | "reason">): string => `${hop} ${reason}`;

function byService(one: InstanceStats, other: InstanceStats): number {
  const [a, b] = [`${one.service} ${one.instance}`, `${other.service} ${other.instance}`];
  return a < b ? -1 : Number(a > b);
}

const byNameAndLabel = (one: CountStats, other: CountStats) =>
  one.name < other.name || (one.name === other.name && one.label < other.label) ? -1 : 1;

function addCounts(sum: CountStats | undefined, stats: CountStats): CountStats {
  if (sum === undefined) return stats;
  return { ...sum, count: sum.count + stats.count, sum: sum.sum + stats.sum };
}

function addPools(sum: PoolStats | undefined, pool: PoolStats): PoolStats {
  if (sum === undefined) return pool;
  return {
    ...sum,
    size: sum.size + pool.size,
    maxSize: sum.maxSize + pool.maxSize,
    idleCount: sum.idleCount + pool.idleCount,
    waitingCount: sum.waitingCount + pool.waitingCount,
    ...longer("waitP95", sum.waitP95, pool.waitP95),
  };
}

function addQueues(sum: QueueStats | undefined, queue: QueueStats): QueueStats {
  if (sum === undefined) return queue;
  return {
    ...sum,
    waitingCount: sum.waitingCount > queue.waitingCount ? sum.waitingCount : queue.waitingCount,
    runningCount: sum.runningCount + queue.runningCount,
    doneCount: sum.doneCount + queue.doneCount,
    deadLetterCount: sum.deadLetterCount + queue.deadLetterCount,
    ...longer("oldestAge", sum.oldestAge, queue.oldestAge),
  };
}

function addCaches(sum: CacheStats | undefined, cache: CacheStats): CacheStats {
  if (sum === undefined) return cache;
  return {
    ...sum,
    hitCount: sum.hitCount + cache.hitCount,
    missCount: sum.missCount + cache.missCount,
    coalescedCount: sum.coalescedCount + cache.coalescedCount,
    bypassCount: sum.bypassCount + cache.bypassCount,
    evictionCount: sum.evictionCount + cache.evictionCount,
    invalidationCount: sum.invalidationCount + cache.invalidationCount,
    entryCount: sum.entryCount + cache.entryCount,
    byteCount: sum.byteCount + cache.byteCount,
    ...longer("oldestAge", sum.oldestAge, cache.oldestAge),
  };
}

const isLonger = (one: Duration, other: Duration): boolean =>
  one.seconds === other.seconds ? one.nanos > other.nanos : one.seconds > other.seconds;

function longer<K extends string>(name: K, one: Duration | undefined, other: Duration | undefined) {
  const longest = one === undefined || (other !== undefined && isLonger(other, one)) ? other : one;
  return (longest === undefined ? {} : { [name]: longest }) as { [P in K]?: Duration };
}
