import type { Routes } from "./handler.ts";

/** One pool of connections or workers; see the contract's `PoolStats`. */
export interface PoolFigures {
  /** As in `postgres`, `elasticsearch`, `redis`. */
  readonly name: string;
  readonly size: number;
  readonly maxSize: number;
  readonly idleCount: number;
  readonly waitingCount: number;
  /** The 95th percentile of the wait over 5 minutes. */
  readonly waitP95Ms: number;
}

/** One queue; see the contract's `QueueStats`. */
export interface QueueFigures {
  /** As in `outbox`. */
  readonly name: string;
  readonly waitingCount: number;
  readonly runningCount: number;
  /** Since the process started. */
  readonly doneCount: number;
  readonly deadLetterCount: number;
  readonly oldestAgeMs: number;
}

/** The levels of caches; see the contract's `CacheLevel`. */
export const cacheLevels = ["embeddings", "search-results", "documents"] as const;

export type CacheLevelName = (typeof cacheLevels)[number];

/** One level of caches of this process; see the contract's `CacheStats`. Counts run from the start of the process. */
export interface CacheFigures {
  readonly level: CacheLevelName;
  readonly hits: number;
  readonly misses: number;
  readonly coalesced: number;
  readonly bypasses: number;
  readonly evictions: number;
  readonly invalidations: number;
  readonly entries: number;
  readonly bytes: number;
  readonly oldestAgeMs: number;
}

/** What is to be emptied: entries of one tenant for which all conditions hold. */
export interface CacheSelection {
  readonly tenant: string;
  readonly level: CacheLevelName;
  /** Over the part of the key after the tenant: `*` is any text, all else is literal. Empty: any key. */
  readonly keyPattern: string;
}

/** What a module's stores say of themselves at one moment. */
export interface Figures {
  readonly pools?: readonly PoolFigures[];
  readonly queues?: readonly QueueFigures[];
  readonly caches?: readonly CacheFigures[];
  /** Whether something is missing, such as a queue in a store that cannot be asked. Default: false. */
  readonly incomplete?: boolean;
}

/**
 * What an app.ts makes: services that any host can mount. main.ts mounts `routes` on a server of its own, standalone mounts those of all
 * services on one in-memory transport.
 */
export interface ServiceModule {
  readonly routes: Routes;
  /** Opens what the handlers need; resolves when calls may come. The signal ends the attempt. */
  start?(signal: AbortSignal): Promise<void>;
  /** Closes what was opened, after the last call has ended. */
  stop?(): Promise<void>;
  /**
   * Tells, at once and at every change, whether calls can be answered; grpc.health.v1 follows it. Gives what ends the telling.
   * Absent: they can from `start` on.
   */
  watchReady?(listener: (ready: boolean) => void): () => void;
  /** Figures of pools, queues and caches, now. Absent: there are none. */
  figures?(signal: AbortSignal): Promise<Figures>;
  /**
   * Empties the selected entries of a cache of this module, in memory and shared, and gives how many there were. Absent, or 0: none is of that
   * level. Throws where what is shared cannot be reached; what is in memory is gone then all the same.
   */
  invalidateCache?(selection: CacheSelection, signal: AbortSignal): Promise<number>;
}
