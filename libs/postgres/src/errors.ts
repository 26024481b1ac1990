import { types } from "node:util";
import pg from "pg";

/**
 * What PostgreSQL, or the way to it, answered instead of a result. Messages name no value of a row and no address: they may be logged. The
 * driver's own error is not kept, because its details hold both.
 */
export class PostgresError extends Error {
  override readonly name: string = "PostgresError";
  /** SQLSTATE, such as `23505`; undefined where no server answered. */
  readonly sqlState: string | undefined;

  constructor(message: string, sqlState?: string) {
    super(message);
    this.sqlState = sqlState;
  }
}

/** The server cannot be reached, ended the connection, or has no room at the moment (connections, memory, disk): another attempt may succeed. */
export class ConnectionError extends PostgresError {
  override readonly name = "ConnectionError";
}

/** All connections were in use for as long as a caller may wait. */
export class PoolBusyError extends PostgresError {
  override readonly name = "PoolBusyError";

  constructor() {
    super("all connections to PostgreSQL are in use");
  }
}

/** The transaction took longer than it was given, or an administrator cancelled its statement. */
export class StatementTimeoutError extends PostgresError {
  override readonly name = "StatementTimeoutError";
  /** What the transaction was given; undefined where the server ended the statement. */
  readonly limitMs: number | undefined;

  constructor(message: string, { sqlState, limitMs }: { readonly sqlState?: string; readonly limitMs?: number }) {
    super(message, sqlState);
    this.limitMs = limitMs;
  }
}

/** Another transaction was in the way (deadlock, serialization, lock timeout): nothing was changed, another attempt may succeed. */
export class ConflictError extends PostgresError {
  override readonly name = "ConflictError";
}

/** What was written breaks a rule of the schema. */
export class ConstraintError extends PostgresError {
  override readonly name = "ConstraintError";
  readonly constraint: string | undefined;

  constructor(message: string, sqlState: string, constraint: string | undefined) {
    super(message, sqlState);
    this.constraint = constraint;
  }
}

/** Conditions that pass by themselves, or with an operator's help, without a change of the statement. */
const passing = ["08", "53", "57", "58"];
/** 25006: the server only reads, as a standby does during a failover. 28: the login is refused. 3D000: there is no such database. */
const unreachable = ["25006", "28000", "28P01", "3D000"];
const conflicts = ["40001", "40P01", "55P03"];

/** The typed form of what the driver threw; errors of other origin pass through. */
export function toPostgresError(error: unknown): unknown {
  if (error instanceof PostgresError || !types.isNativeError(error)) return error;
  if (error instanceof pg.DatabaseError && error.code !== undefined) return ofServer(error, error.code);
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined && /^E[A-Z_]+$/.test(code))
    return new ConnectionError(`PostgreSQL cannot be reached (${code})`);
  // The driver has no class for these: "Connection terminated unexpectedly", "... due to connection timeout", "Client has encountered a ...".
  if (
    /connection (terminated|ended|timeout)|client (has encountered|was closed)|not queryable|pool after calling end/i.test(
      error.message,
    )
  ) {
    return new ConnectionError("the connection to PostgreSQL is gone");
  }
  return error;
}

function ofServer(error: pg.DatabaseError, sqlState: string): PostgresError {
  const said = `PostgreSQL refused a statement (SQLSTATE ${sqlState})`;
  if (sqlState === "57014") return new StatementTimeoutError("PostgreSQL cancelled a statement", { sqlState });
  if (conflicts.includes(sqlState))
    return new ConflictError(`PostgreSQL gave a transaction up (SQLSTATE ${sqlState})`, sqlState);
  if (passing.includes(sqlState.slice(0, 2)) || unreachable.includes(sqlState)) {
    return new ConnectionError(`PostgreSQL is not available (SQLSTATE ${sqlState})`, sqlState);
  }
  if (sqlState.startsWith("23")) {
    const at = error.constraint === undefined ? "" : `, constraint ${error.constraint}`;
    return new ConstraintError(`${said}${at}`, sqlState, error.constraint);
  }
  // Class 42 is about the statement itself, which is ours; the messages of others may quote a value.
  return new PostgresError(sqlState.startsWith("42") ? `${said}: ${error.message}` : said, sqlState);
}
