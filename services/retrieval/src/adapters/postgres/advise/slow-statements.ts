import type { StatementTimings, StatementValues, Transaction } from "@quartet/postgres";
import { all, bare, type Fields, fieldsOf, fingerprint, normalized, parseStatement } from "./sql.ts";
import { attempt } from "./attempt.ts";

/** A statement that takes time, and what it is known to be called with. */
export interface SlowStatement {
  readonly text: string;
  /** Whose rights and row-level security it runs under; undefined for the login. */
  readonly role: string | undefined;
  readonly callCount: number;
  readonly totalMs: number;
  readonly rowCount: number;
  /** Of a call of this process; undefined where none is known. */
  readonly sample: StatementValues | undefined;
}

export interface SlowStatements {
  readonly source: "pg_stat_statements" | "service";
  /** Most time in all first. */
  readonly statements: readonly SlowStatement[];
}

/** Stands in the queries of advice itself, which the server times like all others and which nobody wants advice on: it keeps comments. */
export const ownMark = "/* quartet advice */";

/** Of what pg_stat_statements holds: most is of others' tools, and cannot be looked at. */
const maxRead = 500;
const maxTextChars = 16_384;

/**
 * The queries of this database that took the most time in all: by pg_stat_statements where it is there, else by what this process has timed
 * itself. Only queries: what writes is not run again.
 */
export async function readSlowStatements(
  transaction: Transaction,
  timings: StatementTimings,
  limit: number,
): Promise<SlowStatements> {
  const own = timings
    .slowest(maxRead)
    .filter(({ text }) => isQuery(text))
    .map(({ text, role, callCount, totalMs, rowCount, slowest }) => ({
      text: bare(text),
      role,
      callCount,
      totalMs,
      rowCount,
      sample: slowest,
    }));
  const told = await readServerStatistics(transaction);
  if (told === undefined) return { source: "service", statements: own.slice(0, limit) };
  // The server writes `$n` for every constant; a statement of ours is better known in its own words, with values of a call.
  const known = new Map(own.map((statement) => [fingerprint(statement.text), statement]));
  const statements = told
    .filter(({ text }) => isQuery(text))
    .slice(0, limit)
    .map((statement) => {
      const ours = known.get(fingerprint(statement.text));
      return ours === undefined ? statement : { ...statement, text: ours.text, sample: ours.sample };
    });
  return { source: "pg_stat_statements", statements };
}

interface StatisticsRow {
  readonly text: string;
  readonly role: string | null;
  readonly calls: number;
  readonly total_ms: number;
  readonly row_count: number;
}

/** Undefined where the extension is not there, or was not loaded at the server's start. */
async function readServerStatistics(transaction: Transaction): Promise<readonly SlowStatement[] | undefined> {
  const [extension] = await transaction.query<{ schema: string }>(
    "SELECT quote_ident(n.nspname) AS schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'",
  );
  if (extension === undefined) return undefined;
  const rows = await attempt(transaction, () =>
    transaction.query<StatisticsRow>(
      `SELECT s.query AS text, r.rolname AS role, s.calls::float8 AS calls, s.total_exec_time AS total_ms, s.rows::float8 AS row_count
       FROM ${extension.schema}.pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid AND d.datname = current_database()
         LEFT JOIN pg_roles r ON r.oid = s.userid
       WHERE s.toplevel AND length(s.query) <= $1 ORDER BY s.total_exec_time DESC LIMIT $2`,
      [maxTextChars, maxRead],
    ),
  );
  const ofOthers = rows?.filter(({ text }) => !text.includes(ownMark));
  return ofOthers?.map(({ text, role, calls, total_ms: totalMs, row_count: rowCount }) => ({
    text: cleaned(text),
    role: role ?? undefined,
    callCount: calls,
    totalMs,
    rowCount,
    sample: undefined,
  }));
}

/** The server keeps constants in a text at times, as when it had forgotten the statement while it ran. */
function cleaned(text: string): string {
  try {
    return normalized(bare(text));
  } catch {
    return "";
  }
}

/** A query of tables, and not of the server's own, which tools ask all day. */
function isQuery(text: string): boolean {
  const query = fieldsOf(parseStatement(text), "SelectStmt");
  if (query === undefined) return false;
  const tables = all(query, "RangeVar");
  return tables.length > 0 && !tables.some(isOfServer);
}

const isOfServer = ({ schemaname, relname }: Fields): boolean =>
  schemaname === "pg_catalog" || schemaname === "information_schema" || String(relname).startsWith("pg_");
