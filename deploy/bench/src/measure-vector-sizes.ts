import { createPool, type Pool } from "@quartet/postgres";

/** How pgvector keeps a component: in 32 bits, or in 16, as Quartet does. */
export const precisions = { float32: "vector", half: "halfvec" } as const;
export type Precision = keyof typeof precisions;

export interface VectorSizes {
  readonly dimensions: number;
  readonly rows: number;
  readonly precision: Precision;
  /** The rows, with what PostgreSQL keeps out of line, and the primary key. */
  readonly tableBytes: number;
  /** The HNSW index by inner product, with pgvector's own parameters, as migrations/002_vectors.sql has it. */
  readonly indexBytes: number;
}

export interface MeasureSizesOptions {
  /** A database in which tables may be made. */
  readonly url: string;
  readonly rows: number;
  readonly dimensions: readonly number[];
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/**
 * Makes the same random vectors, of length 1, once in each precision, in tables of the shape that the service's own have; each is dropped before
 * the next is made. Sizes depend on nothing but number, dimensions and precision, so made up vectors are as good as others.
 */
export async function measureVectorSizes(options: MeasureSizesOptions): Promise<readonly VectorSizes[]> {
  const pool = createPool({ url: options.url, schema: "public", applicationName: "quartet-bench", maxConnections: 2 });
  const measured: VectorSizes[] = [];
  try {
    await execute(pool, options, "CREATE EXTENSION IF NOT EXISTS vector");
    for (const dimensions of options.dimensions) {
      for (const precision of Object.keys(precisions) as Precision[]) {
        options.progress(`${options.rows} vectors of ${dimensions} dimensions as ${precisions[precision]}`);
        measured.push(await measureOne(pool, options, dimensions, precision));
      }
    }
    return measured;
  } finally {
    await pool.close();
  }
}

async function measureOne(
  pool: Pool,
  options: MeasureSizesOptions,
  dimensions: number,
  precision: Precision,
): Promise<VectorSizes> {
  const { rows, signal } = options;
  const type = precisions[precision];
  await execute(
    pool,
    options,
    `CREATE TABLE sized (passage bigint PRIMARY KEY, embedding ${type}(${dimensions}) NOT NULL)`,
  );
  // In the row, as the service has it.
  await execute(pool, options, "ALTER TABLE sized ALTER COLUMN embedding SET STORAGE PLAIN");
  // The outer row in the inner condition, so that each row has numbers of its own.
  await execute(
    pool,
    options,
    `INSERT INTO sized SELECT n, l2_normalize(ARRAY(SELECT random() - 0.5 FROM generate_series(1, ${dimensions}) WHERE n > 0)::real[]::vector)::${type}
       FROM generate_series(1, ${rows}) n`,
  );
  await execute(pool, options, `CREATE INDEX sized_hnsw ON sized USING hnsw (embedding ${type}_ip_ops)`);
  const sql = `SELECT pg_table_size('sized') + pg_relation_size('sized_pkey') AS "tableBytes", pg_relation_size('sized_hnsw') AS "indexBytes"`;
  const [sizes] = await pool.transaction({ signal, readOnly: true }, (transaction) =>
    transaction.query<{ readonly tableBytes: number; readonly indexBytes: number }>(sql, []),
  );
  await execute(pool, options, "DROP TABLE sized");
  return { dimensions, rows, precision, ...sizes! };
}

async function execute(pool: Pool, { signal }: MeasureSizesOptions, sql: string): Promise<void> {
  await pool.transaction({ signal }, async (transaction) => {
    // Building an index over vectors of many dimensions takes minutes on a busy machine.
    await transaction.execute("SET LOCAL statement_timeout = 0", []);
    await transaction.execute(sql, []);
  });
}
