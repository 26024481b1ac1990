import {
  checkSchema,
  createPool,
  createStatementTimings,
  explain,
  type Pool,
  type PoolStats,
  SchemaError,
} from "@quartet/postgres";
import { type Breaker, createBreaker } from "@quartet/resilience";
import type { PoolFigures } from "@quartet/rpc";
import { type Secret, StartError, type Telemetry } from "@quartet/service";
import { createBreakerEvents } from "@quartet/telemetry";
import { createElasticsearch } from "../adapters/elasticsearch/open.ts";
import { createGraphIndex } from "../adapters/postgres/graph-index.ts";
import { createGraphKeeper } from "../adapters/postgres/graph-keeper.ts";
import { createInstallation } from "../adapters/postgres/installation.ts";
import { createAdvisor } from "../adapters/postgres/advise/advisor.ts";
import { createOutbox } from "../adapters/postgres/outbox.ts";
import { createRebuildLease } from "../adapters/postgres/rebuild-lease.ts";
import { createRecordStore } from "../adapters/postgres/record-store.ts";
import { roles, schema } from "../adapters/postgres/schema.ts";
import { createVectorIndex } from "../adapters/postgres/vector-index.ts";
import { createVectorKeeper } from "../adapters/postgres/vector-keeper.ts";
import type { StoreConfig } from "../config.ts";
import { createProjector, type Projector } from "../domain/projector.ts";
import type { RecordStore } from "../domain/record-store.ts";
import type { StoreGuards } from "../domain/search-legs.ts";
import { legKindsOf, type Source } from "../domain/source.ts";
import { createStoreGuard } from "../domain/store-guard.ts";
import type { Stores } from "../domain/stores.ts";
import { createProjectorEvents } from "./projector-events.ts";
import { createOutboxWatch } from "./outbox-watch.ts";
import { createReadyWatch } from "./ready-watch.ts";
import { portsOf, type StoreSet } from "./store-set.ts";

export interface ClusterConfig extends StoreConfig {
  readonly databaseUrl: Secret;
  readonly elasticsearchUrl: Secret;
}

/** A batch of changes keeps one, a rebuild another; both, the keepers of vectors and of the graph and the figures ask beside them. */
const projectorConnections = 7;

/**
 * Fewer calls than before an inner service, so that few searches wait for a store that hangs; and a shorter rest, since one question every
 * two seconds is no burden to a store that is coming back, and the other may go away meanwhile.
 */
const breakerLimits = { minimumCalls: 5, openMs: 2_000 } as const;

/** The record and vectors in PostgreSQL, keywords and the projection in Elasticsearch. Either may be away, at the start as well. */
export function createClusterStores(config: ClusterConfig, telemetry: Telemetry): StoreSet {
  const { log } = telemetry;
  const url = config.databaseUrl.reveal();
  const onError = (error: unknown) => log.warn({ err: error }, "an idle connection to PostgreSQL was lost");
  const timings = createStatementTimings();
  const pool = createPool({
    url,
    schema: schema.name,
    role: roles.service,
    applicationName: "quartet-retrieval",
    maxConnections: config.databasePoolSize,
    waitTimeoutMs: config.legTimeLimitMs,
    timings,
    onError,
  });
  const projectorPool = createPool({
    url,
    schema: schema.name,
    role: roles.projector,
    applicationName: "quartet-retrieval-projector",
    maxConnections: projectorConnections,
    timings,
    onError,
  });
  const elasticsearch = createElasticsearch({
    url: config.elasticsearchUrl.reveal(),
    apiKey: config.elasticsearchApiKey?.reveal(),
    indexPrefix: config.elasticsearchPrefix,
    shards: config.elasticsearchShards,
    replicas: config.elasticsearchReplicas,
    // Before the leg's own end, so that what was found by then is not lost.
    searchTimeoutMs: Math.ceil(0.75 * config.legTimeLimitMs),
  });
  const outbox = createOutbox({ pool: projectorPool });
  const projection = {
    outbox,
    writer: elasticsearch.writer,
    lease: createRebuildLease({ pool: projectorPool }),
  };
  const projector = createProjector({ ...projection, events: createProjectorEvents(telemetry) });
  const keeper = createVectorKeeper({ pool, everyTenant: projectorPool, log, maxSharedVectors: config.exactScanRows });
  const graphKeeper = createGraphKeeper({ pool, everyTenant: projectorPool, log });
  const stores: Stores = {
    records: notifying(createRecordStore({ pool, projected: true }), projector),
    vectors: createVectorIndex({ pool, maxExactPassages: config.exactScanRows }),
    keywords: elasticsearch.keywords,
    installation: createInstallation({ pool }),
    graph: createGraphIndex({ pool }),
    projection: elasticsearch.projection,
  };
  const { guards, close: closeBreakers } = createGuards(config.sources, telemetry);
  const outboxWatch = createOutboxWatch({ outbox });
  const readyWatch = createReadyWatch({
    log,
    stores: [
      { name: "PostgreSQL", check: (signal) => checkRecord(pool, signal) },
      { name: "Elasticsearch", check: elasticsearch.ping },
    ],
  });
  const advisor = createAdvisor({
    url: (config.adviseDatabaseUrl ?? config.databaseUrl).reveal(),
    timings,
    maxCopyBytes: config.adviseCopyBytes,
  });
  const background = new AbortController();
  let keeping: Promise<unknown> | undefined;
  let open = false;

  return {
    stores: portsOf(() => (open ? stores : undefined)),
    guards,
    keywordLagMs: () => outboxWatch.oldestAgeMs(),
    projection,
    advisor,
    async start() {
      await readyWatch.start();
      open = true;
      projector.start();
      keeping = Promise.all([keeper.run(background.signal), graphKeeper.run(background.signal)]);
    },
    async close() {
      open = false;
      readyWatch.close();
      background.abort(new Error("the stores are being closed"));
      await Promise.all([projector.stop(), keeping]);
      closeBreakers();
      await elasticsearch.close();
      await Promise.all([projectorPool.close(), pool.close()]);
    },
    watchReady: readyWatch.watch,
    figures: async (signal) => {
      const pools = [
        poolFigures("postgres", pool.stats()),
        poolFigures("postgres-projector", projectorPool.stats()),
        elasticsearch.poolFigures(),
      ];
      const lag = await outbox.lag({ signal }).catch(() => undefined);
      if (lag === undefined) return { pools, incomplete: true };
      return { pools, queues: [{ name: "outbox", ...lag, ...projector.counts }] };
    },
  };
}

/** The record, which tells the projector of this process what it has left in the outbox; those of others find it at their next poll. */
function notifying(records: RecordStore, projector: Projector): RecordStore {
  return {
    ...records,
    async putDocuments(...given) {
      const written = await records.putDocuments(...given);
      projector.notify();
      return written;
    },
    async deleteDocuments(...given) {
      const deletedCount = await records.deleteDocuments(...given);
      projector.notify();
      return deletedCount;
    },
  };
}

/** Throws StartError where the schema is not the one that this build works with. */
async function checkRecord(pool: Pool, signal: AbortSignal): Promise<void> {
  try {
    await pool
      .transaction({ signal, readOnly: true }, (transaction) => checkSchema(schema, transaction))
      .catch(explain(schema));
  } catch (error) {
    throw error instanceof SchemaError ? new StartError(error.message, { cause: error }) : error;
  }
}

/**
 * One for each way of asking: vectors may be too slow while the record is well, and one source's collections while another's are not. A search
 * asks its sources at once, so a store that is away opens all of them as soon as it would open one.
 */
function createGuards(
  sources: readonly Source[],
  telemetry: Telemetry,
): { readonly guards: StoreGuards; readonly close: () => void } {
  const breakers: Breaker[] = [];
  const guardOf = (hop: string) => {
    const breaker = createBreaker({ name: hop, ...breakerLimits, events: createBreakerEvents(hop, telemetry) });
    breakers.push(breaker);
    return createStoreGuard({ breaker });
  };
  const ofLegs = new Map(
    sources.flatMap((source) => {
      const legs = legKindsOf(source).map(
        (leg) => [`${leg}.${source.name}`, guardOf(`retrieval.${leg}.${source.name}`)] as const,
      );
      return legs;
    }),
  );
  return {
    guards: {
      record: guardOf("retrieval.record"),
      projection: guardOf("retrieval.projection"),
      leg: (source, leg) => ofLegs.get(`${leg}.${source}`)!,
    },
    close: () => breakers.forEach((breaker) => breaker.close()),
  };
}

function poolFigures(name: string, { size, maxSize, idle, waiting, waitP95Ms }: PoolStats): PoolFigures {
  return { name, size, maxSize, idleCount: idle, waitingCount: waiting, waitP95Ms };
}
