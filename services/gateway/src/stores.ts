import type { PoolFigures } from "@quartet/rpc";
import type { AccessStore } from "./domain/access/access-token.ts";
import type { Lease } from "./domain/indexing/lease.ts";

/** What gateways share with each other and keep when they end. */
export interface Stores {
  readonly access: AccessStore;
  /** Of the embedding worker. */
  readonly lease: Lease;
  figures(): readonly PoolFigures[];
  /** @throws when the store is there and not of this build; one that is away may come later. */
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}
