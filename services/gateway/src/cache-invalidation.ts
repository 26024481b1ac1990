import { create } from "@bufbuild/protobuf";
import { type CacheSelector, CacheSelectorSchema } from "@quartet/contracts/type/v1/operations";
import { createMissedInvalidations, type Missed } from "./domain/missed-invalidations.ts";
import type { Replica, Replicas } from "./hops/replicas.ts";

/** Empties caches of every process of the platform, at once or as soon as each can be reached. The owner calls `close`. */
export interface CacheInvalidation {
  /** Gives how many entries there were, and by service how many replicas did not do it. */
  invalidate(
    tenant: string,
    selector: CacheSelector,
    signal: AbortSignal,
  ): Promise<{
    readonly removed: bigint;
    readonly missed: readonly { readonly service: string; readonly silent: number; readonly all: number }[];
  }>;
  close(): void;
}

export function createCacheInvalidation(
  replicas: Pick<Replicas, "list">,
  { everyMs }: { readonly everyMs?: number } = {},
): CacheInvalidation {
  const repeat = async ({ replica: name, service, tenant, selector }: Missed<CacheSelector>, signal: AbortSignal) => {
    const all = await replicas.list(signal);
    // A process that is there no more has taken its memory with it; while its service cannot be found, nobody knows, and the one that stands for
    // all of it fails. Behind a name that stood for nobody there may be several by now.
    const meant = all.filter(
      (replica) => replica.name === name || replica.service === name || replica.name === service,
    );
    await Promise.all(meant.map((replica) => replica.invalidate(tenant, selector, signal)));
  };
  const missed = createMissedInvalidations<CacheSelector>({
    everything: create(CacheSelectorSchema),
    repeat,
    ...(everyMs !== undefined && { everyMs }),
  });
  return {
    async invalidate(tenant, selector, signal) {
      const all = await replicas.list(signal);
      const answers = await Promise.allSettled(all.map((replica) => replica.invalidate(tenant, selector, signal)));
      const silent = all.filter((_, index) => answers[index]?.status === "rejected");
      // Those that were not asked to the end because the caller left are asked too.
      for (const { name, service } of silent) missed.add({ replica: name, service, tenant, selector });
      signal.throwIfAborted();
      const removed = answers.reduce((sum, each) => sum + (each.status === "fulfilled" ? each.value : 0n), 0n);
      return { removed, missed: byService(silent, all) };
    },
    close: () => missed.close(),
  };
}

function byService(silent: readonly Replica[], all: readonly Replica[]) {
  const count = (replicas: readonly Replica[], service: string) =>
    replicas.filter((replica) => replica.service === service).length;
  return [...new Set(silent.map(({ service }) => service))].map((service) => ({
    service,
    silent: count(silent, service),
    all: count(all, service),
  }));
}
