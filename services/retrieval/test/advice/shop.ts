import {
  createPool,
  createStatementTimings,
  type Pool,
  type StatementTimings,
  type Transaction,
} from "@quartet/postgres";
import type { TestDatabase, TestPostgres } from "@quartet/testing";
import { createAdvisor } from "../../src/adapters/postgres/advise/advisor.ts";
import type { Advice, AdviceReport } from "../../src/domain/advice.ts";
import { never } from "../contract/subject.ts";

/** A database whose indexes somebody forgot. */
export interface Shop extends AsyncDisposable {
  readonly pool: Pool;
  readonly url: string;
  readonly timings: StatementTimings;
  /** Runs a statement as the platform would, so that it is timed. */
  run(sql: string, values?: readonly unknown[]): Promise<void>;
  advise(options?: {
    readonly signal?: AbortSignal;
    readonly maxCopyBytes?: number;
    readonly timeoutMs?: number;
  }): Promise<AdviceReport>;
  /** What advice must leave as it is: everything that is made, and who may do what with it. */
  catalogue(): Promise<string>;
}

const schema = (purchases: number): string => `
  CREATE TABLE customer (id int PRIMARY KEY, name text NOT NULL, email varchar NOT NULL, city text NOT NULL);
  CREATE TABLE purchase (
    id int PRIMARY KEY, customer int NOT NULL, state text NOT NULL, placed_at timestamptz NOT NULL, cancelled_at timestamptz,
    amount numeric NOT NULL, tags text[] NOT NULL, note text NOT NULL
  );
  INSERT INTO customer SELECT n, '고객 ' || n, 'User' || n || '@example.com', 'city ' || n % 500 FROM generate_series(1, ${purchases / 10}) n;
  INSERT INTO purchase SELECT n, (n::bigint * 7919) % ${purchases / 10} + 1, (ARRAY['open', 'paid', 'sent', 'done'])[n % 4 + 1],
      timestamptz '2024-01-01' + n * interval '3 minutes', CASE WHEN n % 200 = 0 THEN timestamptz '2025-06-01' END, n % 997,
      ARRAY['t' || n % 1000, 'u' || n % 3000], repeat('비고 ', 10)
    FROM generate_series(1, ${purchases}) n;
  ANALYZE customer, purchase;
`;

/**
 * Roles are the server's, and other tests make and drop some meanwhile: of what they are members of, only what holds for those of the
 * server itself (ids below 16384) and for the one who asks counts.
 */
const catalogues: readonly string[] = [
  "SELECT oid, relname, relnamespace, relkind, relfilenode, relhasindex, relrowsecurity, relacl, reloptions FROM pg_class",
  "SELECT * FROM pg_index",
  "SELECT attrelid, attname, attnum, atttypid FROM pg_attribute",
  "SELECT * FROM pg_namespace",
  "SELECT * FROM pg_policy",
  "SELECT * FROM pg_extension",
  "SELECT * FROM pg_auth_members WHERE roleid < 16384 AND member < 16384 OR member = current_user::regrole",
];

/** `statistics: false`: values of calls are not kept, as of statements that others run. */
export async function openShop(
  postgres: TestPostgres,
  { purchases, keepsValues = true }: { readonly purchases: number; readonly keepsValues?: boolean },
): Promise<Shop> {
  const database: TestDatabase = await postgres.createDatabase();
  const timings = createStatementTimings(keepsValues ? {} : { maxValueBytes: -1 });
  const open = (more: object) =>
    createPool({ url: database.url, applicationName: "quartet tests", statementTimeoutMs: 120_000, ...more });
  const [pool, untimed] = [open({ timings }), open({})];
  const asked = <Result>(of: Pool, work: (transaction: Transaction) => Promise<Result>) => of.transaction(never, work);
  await asked(untimed, (transaction) => transaction.execute(schema(purchases)));
  return {
    pool: untimed,
    url: database.url,
    timings,
    run: async (sql, values = []) => void (await asked(pool, (transaction) => transaction.query(sql, values))),
    advise: ({ signal = never.signal, maxCopyBytes = 256 * 1024 ** 2, timeoutMs = 240_000 } = {}) =>
      createAdvisor({ url: database.url, timings, maxCopyBytes }).advise({
        statementCount: 50,
        tenant: "default",
        signal,
        timeoutMs,
      }),
    catalogue: () =>
      asked(untimed, async (transaction) => {
        const digests: string[] = [];
        for (const sql of catalogues) {
          const text = `SELECT md5(string_agg(t::text, ' ' ORDER BY t::text)) AS digest FROM (${sql}) t`;
          digests.push((await transaction.query<{ digest: string }>(text))[0]!.digest);
        }
        return digests.join(" ");
      }),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([pool.close(), untimed.close()]);
      await database.drop();
    },
  };
}

/** What was advised for a statement, which is given by its beginning. */
export const adviceFor = ({ advice }: AdviceReport, statement: string): readonly Advice[] =>
  advice.filter((each) => each.statement.startsWith(statement));
