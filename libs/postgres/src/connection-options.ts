import type pg from "pg";
import { parseIntoClientConfig } from "pg-connection-string";

export interface ConnectionOptions {
  /** `postgresql://user:password@host:port/database?sslmode=...` */
  readonly url: string;
  /** As `pg_stat_activity` shows it. */
  readonly applicationName: string;
  /** The role that every statement runs as: row-level security holds even where the login is a superuser. Default: the login itself. */
  readonly role?: string;
  /** Where tables are looked for, before `public`. Default: the server's own search path. */
  readonly schema?: string;
  /** The longest that one statement may run, where its transaction has no shorter limit. Default 30,000. */
  readonly statementTimeoutMs?: number;
  /** How long connecting may take. Default 5,000. */
  readonly connectTimeoutMs?: number;
}

export const defaultStatementTimeoutMs = 30_000;
/** How soon the server notices that the process on the other end is gone, and stops working for it. */
const abandonedAfterMs = 500;
const idleInTransactionTimeoutMs = 60_000;

/**
 * The driver's configuration. Role and search path are options of the connection's start, so that there is no moment without them and `RESET`
 * comes back to them.
 */
export function clientConfig({
  url,
  applicationName,
  role,
  schema,
  statementTimeoutMs = defaultStatementTimeoutMs,
  connectTimeoutMs = 5_000,
}: ConnectionOptions): pg.ClientConfig {
  const parsed = parseIntoClientConfig(url);
  const settings = [
    ...(role === undefined ? [] : [`role=${identifier(role)}`]),
    ...(schema === undefined ? [] : [`search_path=${identifier(schema)},public`]),
    `client_connection_check_interval=${abandonedAfterMs}`,
    // Compiling takes longer than our statements do.
    "jit=off",
  ];
  return {
    ...parsed,
    application_name: applicationName,
    options: [parsed.options ?? "", ...settings.map((setting) => `-c ${setting}`)].join(" ").trim(),
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: idleInTransactionTimeoutMs,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
  };
}

/** Names of roles and schemas go into text that has no parameters: only plain ones are let through. */
export function identifier(name: string): string {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(name)) throw new RangeError(`not a plain name of PostgreSQL: ${name}`);
  return name;
}
