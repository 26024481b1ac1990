import { fileURLToPath } from "node:url";
import { runner } from "node-pg-migrate";
import pg from "pg";
import { clientConfig, identifier } from "./connection-options.ts";
import { PostgresError, toPostgresError } from "./errors.ts";
import { migrationsTable, type Schema, SchemaError } from "./schema.ts";

export interface MigrateOptions {
  /** Of a login that may create schemas and roles: the owner of what is made. */
  readonly url: string;
  readonly schema: Schema;
  /** Ends it: a migration that has not been committed is rolled back. */
  readonly signal: AbortSignal;
}

/** How long a migration may wait for a table that is in use, or for another process that migrates. */
const lockTimeoutMs = 60_000;

/**
 * Brings a schema to the version of this build, and gives the names of the migrations that were run. Several processes may try at once.
 *
 * @throws {SchemaError} with one line that says what to do
 */
export async function migrate({ url, schema, signal }: MigrateOptions): Promise<readonly string[]> {
  signal.throwIfAborted();
  const client = new pg.Client({
    ...clientConfig({ url, applicationName: "quartet-migrate", statementTimeoutMs: 0 }),
    lock_timeout: lockTimeoutMs,
  });
  client.on("error", () => {});
  const onAbort = () => void client.end();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await client.connect();
    for (const role of schema.roles) await createRole(client, identifier(role));
    const run = await runner({
      dbClient: client,
      dir: fileURLToPath(schema.migrations),
      ignorePattern: "(?!.*\\.sql$).*",
      direction: "up",
      schema: [identifier(schema.name), "public"],
      createSchema: true,
      migrationsSchema: schema.name,
      migrationsTable,
      singleTransaction: false,
      advisoryLockMode: "wait",
      logger: { info: () => {}, warn: () => {}, error: () => {} },
    });
    return run.map(({ name }) => name);
  } catch (error) {
    signal.throwIfAborted();
    throw toSchemaError(error);
  } finally {
    signal.removeEventListener("abort", onAbort);
    await client.end();
  }
}

/** Migrations hold no values of users, so what the server says of them may be shown. */
function toSchemaError(error: unknown): unknown {
  const { message } = error as Error;
  const failure = toPostgresError(error);
  const line = failure instanceof PostgresError ? lineOf(failure, message) : undefined;
  if (line !== undefined) return new SchemaError(line, { cause: error });
  // The library's own: it knows a migration that this build lacks, or the other way round in the middle of the list.
  if (message.startsWith("Not run migration")) {
    return new SchemaError(
      "The database is newer than this build, or of another: it has migrations that this one lacks. Run those of its build.",
      { cause: error },
    );
  }
  return error;
}

function lineOf(failure: PostgresError, message: string): string {
  if (failure.sqlState === undefined)
    return `PostgreSQL cannot be reached. Check DATABASE_URL, and that the server runs. (${failure.message})`;
  if (["28P01", "28000", "3D000"].includes(failure.sqlState)) {
    return "PostgreSQL refuses the login, or has no such database. Check user, password and database of DATABASE_URL.";
  }
  if (failure.sqlState === "42501") {
    return `The login of DATABASE_URL may not migrate (${message}). Use the owner of the database, with CREATEROLE, or have the roles and extensions made by an administrator.`;
  }
  if (failure.sqlState === "55P03")
    return "Another migration, or a long transaction, is in the way. Try again when it has ended.";
  return `A migration failed and was rolled back: ${message} (SQLSTATE ${failure.sqlState}).`;
}

/** Another database of the cluster may be migrated at the same moment: roles are shared, and no lock spans databases. */
const attempts = 10;

/** Makes a role that is nobody's login, and lets ours act as it. */
async function createRole(client: pg.Client, role: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { rows } = await client.query<{ is_there: boolean; may_act: boolean }>(
        // From 16 on, who makes a role is its member without being able to act as it.
        `SELECT count(*) = 1 AS is_there,
           coalesce(bool_or(pg_has_role(oid, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)), false) AS may_act
         FROM pg_roles WHERE rolname = $1`,
        [role],
      );
      if (!rows[0]!.is_there)
        await client.query(`CREATE ROLE ${role} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS`);
      if (!rows[0]!.may_act) await client.query(`GRANT ${role} TO CURRENT_USER`);
      return;
    } catch (error) {
      const failure = toPostgresError(error);
      // 42710, 23505: somebody else made it just now. XX000: "tuple concurrently updated".
      const isRace = failure instanceof PostgresError && ["42710", "23505", "XX000"].includes(failure.sqlState ?? "");
      if (!isRace || attempt === attempts) throw failure;
    }
  }
}
