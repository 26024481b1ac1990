import type { Transport } from "@connectrpc/connect";
import { InstanceService } from "@quartet/contracts/type/v1/instance_service";
import type { PlatformStatus } from "@quartet/contracts/type/v1/status";
import { createClient } from "@quartet/rpc";
import type { Transports } from "./hops.ts";

/** One process of an inner service, called for itself rather than as any of its kind. */
export interface Replica {
  readonly service: string;
  /** Its figures. */
  report(signal: AbortSignal): Promise<PlatformStatus>;
}

/** Every process that is known of. */
export interface Replicas {
  /** Those of all inner services now; a service that cannot be found has one that fails. */
  list(signal: AbortSignal): Promise<readonly Replica[]>;
  close(): void;
}

/** How long one process may take to tell its figures. */
const REPORT_MS = 3_000;

export function replicaAt(service: string, transport: Transport): Replica {
  const client = createClient(InstanceService, transport);
  return {
    service,
    async report(signal) {
      const { status } = await client.getInstanceReport({}, { signal, timeoutMs: REPORT_MS });
      if (status === undefined) throw new Error("the report is empty");
      return status;
    },
  };
}

/** The services as their transports reach them: of use where each is one process, as in standalone. */
export function replicasBehind(transports: Transports): Replicas {
  const all = Object.entries(transports).map(([service, transport]) => replicaAt(service, transport));
  return { list: async () => all, close: () => undefined };
}
