import type { EmbeddingSpace, Vector } from "@quartet/contracts/type/v1/vector";
import type { Telemetry } from "@quartet/service";
import { createIndexer, type Indexer } from "./domain/indexing/indexer.ts";
import { createLeasedWork, type Lease } from "./domain/indexing/lease.ts";
import { createPace } from "./domain/indexing/pace.ts";
import { createRefusedContents } from "./domain/indexing/refused-contents.ts";
import { createRounds } from "./domain/indexing/rounds.ts";
import { createWorker } from "./domain/indexing/worker.ts";
import { reasonFor } from "./domain/stages.ts";
import type { Hops } from "./hops/hops.ts";
import { createIndexingPorts } from "./hops/indexing.ts";
import { pause, sleep } from "./sleep.ts";

/** So many texts at once where nobody waits; so few while questions are in flight, whose turn comes after each batch. */
const BATCH_SIZE = 64;
const POLITE_BATCH_SIZE = 8;
/** Four times as long is still far from the time limit of a call. */
const SHORT_BATCH_MS = 7_000;

const REFUSED = { retryAfterMs: 10 * 60_000, maxEntries: 10_000 };
const BACK_OFF = { minBackOffMs: 1_000, maxBackOffMs: 60_000 };

export interface IndexingOptions extends Telemetry {
  readonly hops: Hops;
  readonly pollMs: number;
  /** Whether somebody waits for an answer now. */
  readonly busy: () => boolean;
  /** Vectors came into a space of the tenant's, or its searches use another one from now on. */
  readonly spacesChanged: (tenant: string) => void;
  /** Every tenant whose passages are to get vectors. */
  readonly tenants: (signal: AbortSignal) => Promise<readonly string[]>;
  /** Decides which of several gateways works. */
  readonly lease: Lease;
}

export interface Indexing {
  readonly indexer: Indexer;
  /** A tenant's documents changed. */
  changed(tenant: string): void;
  start(): void;
  stop(): Promise<void>;
}

/** The embedding worker: gives passages their vectors, and tells how it goes. */
export function createIndexing(options: IndexingOptions): Indexing {
  const { hops, pollMs, busy, spacesChanged, tenants, lease, log, metrics } = options;
  const passages = metrics.counter("quartet_indexing_passages_total");
  const stored = passages.with({ outcome: "stored" });
  const refused = passages.with({ outcome: "refused" });
  const failures = metrics.counter("quartet_indexing_failures_total");
  const activations = metrics.counter("quartet_indexing_activations_total").with({});
  const leaseHeld = metrics.gauge("quartet_indexing_lease_held").with({});

  const indexer = createIndexer<EmbeddingSpace, Vector>({
    ports: createIndexingPorts(hops.embedding, hops.index),
    refused: createRefusedContents({ ...REFUSED, now: () => performance.now() }),
    batchSize: () => (busy() ? POLITE_BATCH_SIZE : BATCH_SIZE),
    pace: createPace({ max: BATCH_SIZE, shortMs: SHORT_BATCH_MS, now: () => performance.now() }),
    pause,
    events: {
      stored: (count) => stored.add(count),
      refused: (collection, count) => {
        refused.add(count);
        log.warn({ collection, count }, "passages cannot be embedded: keywords alone find them");
      },
      firstVectors: spacesChanged,
      indexed: (collection, count) => log.info({ collection, count }, "passages got their vectors"),
      activated: (tenant, collection, spaceId) => {
        activations.add();
        spacesChanged(tenant);
        log.info({ collection, spaceId }, "searches use a new embedding space");
      },
    },
  });
  const rounds = createRounds({
    tenants,
    index: (tenant, signal) => indexer.indexTenant(tenant, signal),
    failed: (error) => {
      const reason = reasonFor(error);
      failures.with({ reason }).add();
      log.warn({ reason, err: error }, "indexing of one tenant waits: its vectors come later");
    },
  });
  const work = createLeasedWork({
    lease,
    round: (signal) => rounds.round(signal),
    heldChanged: (isHeld) => {
      leaseHeld.set(Number(isHeld));
      log.info({ isHeld }, "the right to give passages their vectors changed hands");
    },
  });
  const worker = createWorker({
    round: (signal) => work.round(signal),
    pollMs,
    ...BACK_OFF,
    sleep,
    random: Math.random,
    events: {
      failed: (error, reason, retryInMs) => {
        failures.with({ reason }).add();
        log.warn({ reason, retryInMs: Math.round(retryInMs), err: error }, "indexing waits: vectors come later");
      },
    },
  });
  return {
    indexer,
    changed(tenant) {
      rounds.news(tenant);
      worker.wake();
    },
    start: () => worker.start(),
    async stop() {
      await worker.stop();
      await work.release();
    },
  };
}
