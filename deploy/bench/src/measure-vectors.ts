import { createPool, migrate, type Pool } from "@quartet/postgres";
import {
  createVectorIndex,
  createVectorKeeper,
  type EmbeddingSpace,
  type Filter,
  roles,
  schema,
  type VectorIndex,
} from "@quartet/retrieval-service/postgres-vectors";
import { createLogger } from "@quartet/telemetry";
import { quantile } from "./load.ts";
import {
  analyse,
  createTopics,
  type Filling,
  fillRecord,
  fillVectors,
  type Topics,
  topicCount,
} from "./vector-data.ts";

/** One way to search, over all questions. */
export interface VectorCell {
  /** Vectors of the tenant that is searched. */
  readonly vectorCount: number;
  readonly scenario: string;
  readonly way: "exact" | "indexed";
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** Median time over that of the exact scan without a filter, of as many vectors, in the same run. */
  readonly ratioToExact: number;
  /** Passages found, of those asked for; the mean over the questions. */
  readonly found: number;
  /** Of the passages of the exact scan, those found; the mean over the questions. */
  readonly recall: number;
}

export interface VectorBuild {
  readonly vectorCount: number;
  readonly putsPerSecond: number;
  /** Moving the rows to a table of their own, building the index, and settling. */
  readonly tendMs: number;
  readonly tableMiB: number;
  readonly indexMiB: number;
  /** What building could take of the server's memory. */
  readonly buildMemoryMiB: number;
}

export interface MeasureVectorsOptions {
  /** An empty database, of a superuser or its owner. */
  readonly url: string;
  readonly sizes: readonly number[];
  readonly dimensions: number;
  readonly questions: number;
  readonly limit: number;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

export interface VectorMeasures {
  readonly server: string;
  readonly cells: readonly VectorCell[];
  readonly builds: readonly VectorBuild[];
}

interface Scenario {
  readonly name: string;
  readonly filter: Filter | undefined;
  /** The topic of a question. */
  readonly topic: (question: number) => number;
}

const tag = (name: string): Filter => ({ kind: "tag", tag: name });
const anyTopic = (question: number) => (question * 7) % topicCount;
/** Questions of the half of all topics that has no passage with `corner` or `half`. */
const otherHalf = (question: number) => topicCount / 2 + ((question * 7) % (topicCount / 2));

const scenarios: readonly Scenario[] = [
  { name: "no filter", filter: undefined, topic: anyTopic },
  { name: "filter 1 %", filter: tag("percent"), topic: anyTopic },
  { name: "filter 1 %, off-topic", filter: tag("corner"), topic: otherHalf },
  { name: "filter 50 %", filter: tag("half"), topic: (question) => anyTopic(question) % (topicCount / 2) },
  { name: "filter 50 %, off-topic", filter: tag("half"), topic: otherHalf },
];
/** One tenant of 20,000 among 180 small ones, whose questions are about what only others have. */
const tenants = { large: 20_000, small: 180, each: 166, name: "tenant of 20,000 of 181, off-topic" };

export async function measureVectors(options: MeasureVectorsOptions): Promise<VectorMeasures> {
  const { url, signal } = options;
  await migrate({ url, schema, signal });
  const owner = createPool({ url, schema: schema.name, applicationName: "quartet-bench", statementTimeoutMs: 600_000 });
  const open = (role: string) =>
    createPool({ url, schema: schema.name, role, applicationName: "quartet-bench", statementTimeoutMs: 600_000 });
  const [pool, everyTenant] = [open(roles.service), open(roles.projector)];
  try {
    const run = createRun(options, { owner, pool, everyTenant });
    for (const size of options.sizes) await run.size(size);
    await run.tenants();
    return { server: await serverOf(owner, signal), ...run.measures };
  } finally {
    await Promise.all([owner, pool, everyTenant].map((each) => each.close()));
  }
}

interface Pools {
  readonly owner: Pool;
  readonly pool: Pool;
  readonly everyTenant: Pool;
}

function createRun(options: MeasureVectorsOptions, { owner, pool, everyTenant }: Pools) {
  const { dimensions, signal, progress } = options;
  const topics = createTopics(dimensions);
  const space: EmbeddingSpace = {
    id: "b".repeat(16),
    dimensions,
    kind: "semantic",
    denseWeight: 0.3,
    cacheThreshold: 2,
    model: "made up",
  };
  const index = createVectorIndex({ pool });
  const cells: VectorCell[] = [];
  const builds: VectorBuild[] = [];
  const searcher = (tenant: string) => createSearches({ ...options, index, space, topics, tenant });
  const fill = async (filling: Filling) => {
    await fillRecord(owner, filling, signal);
    const started = performance.now();
    await fillVectors(index, space, topics, filling, signal);
    return (1000 * filling.count) / (performance.now() - started);
  };
  /** Makes the tables of all spaces with that many vectors their own; gives how long it took. */
  const tend = async (from: number) => {
    const log = createLogger({ service: "bench", level: "silent" });
    const started = performance.now();
    await createVectorKeeper({ pool, everyTenant, log, maxSharedVectors: from - 1, maxBuildMemoryMiB }).tend(signal);
    return performance.now() - started;
  };
  const compare = async (
    vectorCount: number,
    tenant: string,
    asked: readonly Scenario[],
    build: () => Promise<void>,
  ) => {
    const search = searcher(tenant);
    const exact: Searched[] = [];
    for (const scenario of asked) exact.push(await search(scenario));
    await build();
    for (const [position, scenario] of asked.entries()) {
      const expected = exact[position]!;
      const base = { vectorCount, scenario: scenario.name };
      const indexed = await search(scenario);
      const of = (searched: Searched) => toFigures(searched, expected, exact[0]!, options.limit);
      cells.push({ ...base, way: "exact", ...of(expected) }, { ...base, way: "indexed", ...of(indexed) });
    }
  };
  return {
    measures: { cells, builds },
    async size(vectorCount: number) {
      const tenant = `of ${vectorCount}`;
      progress(`${vectorCount} vectors of ${dimensions} dimensions`);
      const putsPerSecond = await fill({ tenant, count: vectorCount, topics: topicCount });
      await analyse(owner, signal);
      await compare(vectorCount, tenant, scenarios, async () => {
        progress("  building the index");
        const tendMs = await tend(vectorCount);
        builds.push({
          vectorCount,
          putsPerSecond,
          tendMs,
          ...(await sizesOf(pool, tenant, signal)),
          buildMemoryMiB: maxBuildMemoryMiB,
        });
      });
    },
    async tenants() {
      progress(`${tenants.small + 1} tenants`);
      for (let number = 0; number < tenants.small; number += 1) {
        await fill({ tenant: `small ${number}`, count: tenants.each, topics: topicCount });
      }
      await fill({ tenant: "large", count: tenants.large, topics: topicCount / 2 });
      await analyse(owner, signal);
      const scenario = { name: tenants.name, filter: undefined, topic: otherHalf };
      await compare(tenants.large, "large", [scenario], async () => void (await tend(tenants.large)));
    },
  };
}

const maxBuildMemoryMiB = 512;

interface Searched {
  readonly timesMs: readonly number[];
  readonly found: readonly (readonly number[])[];
}

interface SearchesOptions extends MeasureVectorsOptions {
  readonly index: VectorIndex;
  readonly space: EmbeddingSpace;
  readonly topics: Topics;
  readonly tenant: string;
}

/** Asks all questions of a scenario, one after the other, after a few that warm the server's cache. */
function createSearches({ index, space, topics, tenant, questions, limit, signal }: SearchesOptions) {
  const ask = async ({ filter, topic }: Scenario, question: number) => {
    const values = topics.vectorOn(topic(question), 1_000_000 + question);
    const query = {
      vector: { kind: "float32" as const, values },
      spaceId: space.id,
      collections: ["default"],
      filter,
      limit,
    };
    return (await index.search(tenant, query, { signal })).hits.map(({ passageId }) => passageId);
  };
  return async (scenario: Scenario): Promise<Searched> => {
    for (let question = 0; question < 5; question += 1) await ask(scenario, question);
    const timesMs: number[] = [];
    const found: number[][] = [];
    for (let question = 0; question < questions; question += 1) {
      const started = performance.now();
      found.push(await ask(scenario, question));
      timesMs.push(performance.now() - started);
    }
    return { timesMs, found };
  };
}

function toFigures({ timesMs, found }: Searched, expected: Searched, unfiltered: Searched, limit: number) {
  const sorted = [...timesMs].sort((left, right) => left - right);
  const exactMs = quantile(
    [...unfiltered.timesMs].sort((left, right) => left - right),
    0.5,
  );
  const mean = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  const recalls = found.map((ids, question) => {
    const wanted = expected.found[question]!;
    return wanted.filter((id) => ids.includes(id)).length / wanted.length;
  });
  return {
    p50Ms: quantile(sorted, 0.5),
    p95Ms: quantile(sorted, 0.95),
    ratioToExact: quantile(sorted, 0.5) / exactMs,
    found: mean(found.map((ids) => ids.length / limit)),
    recall: mean(recalls),
  };
}

async function sizesOf(pool: Pool, tenant: string, signal: AbortSignal) {
  const [row] = await pool.transaction({ tenant, signal, readOnly: true }, (transaction) =>
    transaction.query<{ table: number; index: number }>(
      `SELECT pg_table_size(own_vector_table(s)::regclass) AS table, pg_indexes_size(own_vector_table(s)::regclass) AS index FROM space s`,
    ),
  );
  return { tableMiB: row!.table / 2 ** 20, indexMiB: row!.index / 2 ** 20 };
}

async function serverOf(owner: Pool, signal: AbortSignal): Promise<string> {
  const [row] = await owner.transaction({ signal, readOnly: true }, (transaction) =>
    transaction.query<{ server: string }>(
      `SELECT 'PostgreSQL ' || current_setting('server_version') || ', pgvector ' || extversion || ', shared_buffers '
         || current_setting('shared_buffers') AS server FROM pg_extension WHERE extname = 'vector'`,
    ),
  );
  return row!.server;
}
