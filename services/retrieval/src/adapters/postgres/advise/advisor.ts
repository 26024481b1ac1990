import {
  ConnectionError,
  createPool,
  type Pool,
  PostgresError,
  StatementTimeoutError,
  type StatementTimings,
  type Transaction,
} from "@quartet/postgres";
import {
  type Advice,
  type AdviceReport,
  type AdviceRequest,
  AdviceRunningError,
  type Advisor,
  type UnadvisedStatement,
} from "../../../domain/advice.ts";
import { withStoreErrors } from "../errors.ts";
import { schema } from "../schema.ts";
import { adviseStatement } from "./advise-statement.ts";
import { createIndexNames } from "./index-names.ts";
import { NotTriedError } from "./read-statement.ts";
import { readSlowStatements, type SlowStatement } from "./slow-statements.ts";
import { loadParser } from "./sql.ts";
import { readSearchPath } from "./tables.ts";
import type { TrialOptions } from "./trial.ts";

export interface AdvisorOptions {
  /** Of a login that may read what statements read; the more it may, the more can be tried. */
  readonly url: string;
  /** What this process has asked of PostgreSQL itself. */
  readonly timings: StatementTimings;
  /** What the copies of the tables of one statement may take on the server's disk. */
  readonly maxCopyBytes: number;
}

/** The longest that one statement is looked at. */
const perStatementMs = 60_000;
/** No other is begun with less time left than this. */
const leastMs = 3_000;
/** Nobody waits behind us for a table that somebody is changing: we give way. */
const lockTimeoutMs = 500;
/** A single run of a statement, or the building of one index. */
const stepTimeoutMs = 20_000;
/** Two of these at once, in whatever process, would measure each other. */
const lockName = "quartet advice";

/** Advice for a database, over a connection that is closed when it has been given: nothing of it outlives the call. */
export function createAdvisor({ url, timings, maxCopyBytes }: AdvisorOptions): Advisor {
  let isRunning = false;
  return {
    async advise(request) {
      if (isRunning) throw new AdviceRunningError();
      isRunning = true;
      const pool = createPool({ url, applicationName: "quartet-retrieval-advice", maxConnections: 1 });
      try {
        await loadParser();
        return await withStoreErrors(() => advise(pool, { timings, maxCopyBytes }, request));
      } finally {
        isRunning = false;
        await pool.close();
      }
    },
  };
}

async function advise(
  pool: Pool,
  { timings, maxCopyBytes }: Omit<AdvisorOptions, "url">,
  request: AdviceRequest,
): Promise<AdviceReport> {
  const { statementCount, tenant, signal, timeoutMs } = request;
  const deadline = performance.now() + timeoutMs;
  const inTransaction = <Result>(limitMs: number, work: (transaction: Transaction) => Promise<Result>) =>
    rolledBack(pool, { tenant, signal, timeoutMs: limitMs }, work);

  const { source, statements } = await inTransaction(Math.min(timeoutMs, perStatementMs), (transaction) =>
    readSlowStatements(transaction, timings, statementCount),
  );
  const names = createIndexNames();
  const advice: Advice[] = [];
  const unadvised: UnadvisedStatement[] = [];
  for (const statement of statements) {
    const leftMs = deadline - performance.now();
    if (leftMs < leastMs) {
      unadvised.push(toUnadvised(statement, "There was no time left to look at it: give the call more."));
      continue;
    }
    // A little before the deadline, so that what was found by then is told.
    const limitMs = Math.min(perStatementMs, leftMs - leastMs / 2);
    try {
      const found = await inTransaction(limitMs, async (transaction) =>
        adviseStatement(transaction, statement, { ...(await readAbilities(transaction)), maxCopyBytes, names }),
      );
      advice.push(...found);
      if (found.length === 0)
        unadvised.push(toUnadvised(statement, "Nothing that was tried made it faster by a third."));
    } catch (error) {
      signal.throwIfAborted();
      const reason = reasonOf(error);
      if (reason === undefined) throw error;
      unadvised.push(toUnadvised(statement, reason));
    }
  }
  return { source, advice: mostSavedFirst(advice), unadvised };
}

/** Undefined for an error that is no matter of the statement. */
function reasonOf(error: unknown): string | undefined {
  if (error instanceof NotTriedError) return error.message;
  if (error instanceof StatementTimeoutError) return "Trying it took too long, and was given up.";
  // Such as a cast that fails on rows which the statement itself never gets to: the statements after it are not to suffer for it.
  if (error instanceof PostgresError && error.sqlState !== undefined && !(error instanceof ConnectionError))
    return `PostgreSQL refused a step of its trial (SQLSTATE ${error.sqlState}).`;
  return undefined;
}

const toUnadvised = ({ text, callCount, totalMs }: SlowStatement, explanation: string): UnadvisedStatement => ({
  statement: text,
  explanation,
  callCount,
  meanMs: totalMs / Math.max(callCount, 1),
});

const savedMs = ({ beforeMs, afterMs, callCount }: Advice): number => (beforeMs - afterMs) * callCount;

/** An index that several statements ask for is told once, with the one that it saves the most time. */
function mostSavedFirst(advice: readonly Advice[]): readonly Advice[] {
  const sorted = [...advice].sort((one, other) => savedMs(other) - savedMs(one));
  const bySql = Map.groupBy(sorted, ({ proposal }) => proposal.sql);
  return [...bySql.values()].map(([first, ...others]) => {
    if (others.length === 0) return first!;
    const also = others.length === 1 ? "one more of these statements" : `${others.length} more of these statements`;
    return { ...first!, explanation: `${first!.explanation} It also makes ${also} faster.` };
  });
}

/** What there is in the database to try with. */
async function readAbilities(
  transaction: Transaction,
): Promise<Pick<TrialOptions, "searchPath" | "abilities" | "mayActAs">> {
  const [extension] = await transaction.query<{ schema: string }>(
    "SELECT quote_ident(n.nspname) AS schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm'",
  );
  return {
    searchPath: await readSearchPath(transaction, schema.name),
    abilities: { trigrams: extension?.schema },
    mayActAs: async (role) => {
      const [row] = await transaction.query<{ may: boolean }>(
        // From 16 on, a member may be one without being able to act as the role.
        `SELECT bool_or(pg_has_role(oid, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)) AS may
         FROM pg_roles WHERE rolname = $1`,
        [role],
      );
      return row?.may === true;
    },
  };
}

const rollback = Symbol("rollback");

/** Runs `work` in a transaction of which nothing stays. */
async function rolledBack<Result>(
  pool: Pool,
  options: { readonly tenant: string; readonly signal: AbortSignal; readonly timeoutMs: number },
  work: (transaction: Transaction) => Promise<Result>,
): Promise<Result> {
  let result: { readonly value: Result } | undefined;
  try {
    await pool.transaction(options, async (transaction) => {
      await transaction.execute(
        `SET LOCAL lock_timeout = ${lockTimeoutMs}; SET LOCAL statement_timeout = ${stepTimeoutMs}`,
      );
      const [lock] = await transaction.query<{ is_ours: boolean }>(
        "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS is_ours",
        [lockName],
      );
      if (lock?.is_ours !== true) throw new AdviceRunningError();
      result = { value: await work(transaction) };
      throw rollback;
    });
  } catch (error) {
    if (error !== rollback) throw error;
  }
  return result!.value;
}
