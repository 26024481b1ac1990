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

export type KeyStateName = "ready" | "resting" | "out-of-quota" | "refused";

/** One key of a model provider, never its value; see the contract's `KeyStats`. Counts run from the start of the process. */
export interface KeyFigures {
  /** The service whose calls it is for, as in `generation`. */
  readonly pool: string;
  readonly label: string;
  readonly state: KeyStateName;
  /** 0 when it does not rest. */
  readonly restMs: number;
  /** As in `group-1`; empty when it shares its limit with no other key, as far as known. */
  readonly limitGroup: string;
  readonly calls: number;
  readonly errors: number;
  readonly rests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Billionths of a dollar; undefined when no call had a price. */
  readonly costNanos: number | undefined;
  /** Undefined when the provider has not told. */
  readonly remainingRequests: number | undefined;
  readonly remainingTokens: number | undefined;
}

/** A counter with a label, for what needs no type of its own; see the contract's `CountStats`. It runs from the start of the process. */
export interface CountFigures {
  /** As in `section_characters`. */
  readonly name: string;
  /** Of a bounded number of kinds, such as the names of sections. */
  readonly label: string;
  readonly count: number;
  /** The sum of the values, 0 when there are none. */
  readonly sum: number;
}

/** One spending limit; see the contract's `BudgetStats`. Amounts are in billionths of a US dollar. */
export interface BudgetFigures {
  /** `tenant` is the one that asked. */
  readonly scope: "platform" | "tenant";
  /** Undefined when there is none. */
  readonly limitNanos: number | undefined;
  /** Since the last reset. */
  readonly spentNanos: number;
  /** By calls under way. */
  readonly reservedNanos: number;
  readonly resetTimeMs: number;
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
  readonly keys?: readonly KeyFigures[];
  readonly counts?: readonly CountFigures[];
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
  /** Figures of pools, queues, caches and keys, now. Absent: there are none. */
  figures?(signal: AbortSignal): Promise<Figures>;
  /** What may be spent and what was, on behalf of all and of a tenant. Absent: nothing is counted here. */
  budgets?(tenant: string, signal: AbortSignal): Promise<readonly BudgetFigures[]>;
  /**
   * Empties the selected entries of a cache of this module, in memory and shared, and gives how many there were. Absent, or 0: none is of that
   * level. Throws where what is shared cannot be reached; what is in memory is gone then all the same.
   */
  invalidateCache?(selection: CacheSelection, signal: AbortSignal): Promise<number>;
}
