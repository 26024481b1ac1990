import { createContextValues, type Transport } from "@connectrpc/connect";
import { InstanceService } from "@quartet/contracts/type/v1/instance_service";
import type { CacheSelector } from "@quartet/contracts/type/v1/operations";
import type { PlatformStatus } from "@quartet/contracts/type/v1/status";
import { createClient, principalKey } from "@quartet/rpc";
import type { Transports } from "./hops.ts";

/** One process of an inner service, called for itself rather than as any of its kind. */
export interface Replica {
  readonly service: string;
  /** Of this process alone, for as long as it runs. */
  readonly name: string;
  /** Its figures, and of budgets the platform's and the tenant's. */
  report(tenant: string, signal: AbortSignal): Promise<PlatformStatus>;
  /** Empties what is selected of the tenant's entries in its caches, and gives how many there were. */
  invalidate(tenant: string, selector: CacheSelector, signal: AbortSignal): Promise<bigint>;
}

/** Every process that is known of. */
export interface Replicas {
  /** Those of all inner services now; a service that cannot be found has one that fails, whose name is the service's. */
  list(signal: AbortSignal): Promise<readonly Replica[]>;
  close(): void;
}

/** How long one process may take to tell its figures. */
const REPORT_MS = 3_000;
/** Whoever shares its entries in Redis goes through all keys there. */
const INVALIDATE_MS = 30_000;

export function replicaAt(service: string, name: string, transport: Transport): Replica {
  const client = createClient(InstanceService, transport);
  return {
    service,
    name,
    async report(tenant, signal) {
      const options = { signal, contextValues: onBehalfOf(tenant), timeoutMs: REPORT_MS };
      const { status } = await client.getInstanceReport({}, options);
      if (status === undefined) throw new Error("the report is empty");
      return status;
    },
    async invalidate(tenant, selector, signal) {
      const options = { signal, contextValues: onBehalfOf(tenant), timeoutMs: INVALIDATE_MS };
      return (await client.invalidateInstanceCache({ selector }, options)).removedCount;
    },
  };
}

const onBehalfOf = (tenant: string) => createContextValues().set(principalKey, { tenant, roles: [] });

/** The services as their transports reach them: of use where each is one process, as in standalone. */
export function replicasBehind(transports: Transports): Replicas {
  const all = Object.entries(transports).map(([service, transport]) => replicaAt(service, service, transport));
  return { list: async () => all, close: () => undefined };
}
