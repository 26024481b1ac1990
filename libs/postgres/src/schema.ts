import { readdir } from "node:fs/promises";
import { ConnectionError, PostgresError } from "./errors.ts";
import type { Transaction } from "./transaction.ts";

/** A part of a database with one owner: its tables, the roles that use them, and how they came to be. */
export interface Schema {
  /** The schema of PostgreSQL that the tables are in. */
  readonly name: string;
  /** The roles that its services run as, made by `migrate`: without login, owning nothing. */
  readonly roles: readonly string[];
  /** Files `NNN_name.sql`, run in order, each once and in its own transaction. A released one is never changed, only followed by another. */
  readonly migrations: URL;
  /** What brings the schema to this build's version, as an operator types it. */
  readonly command: string;
}

/** The schema is not the one that this build works with, or would not keep tenants apart. The message says what to do. */
export class SchemaError extends Error {
  override readonly name = "SchemaError";
}

/** The table of `node-pg-migrate` in each schema. */
export const migrationsTable = "migration";

export async function migrationNames({ migrations }: Schema): Promise<string[]> {
  const files = await readdir(migrations);
  return files
    .filter((file) => file.endsWith(".sql"))
    .map((file) => file.slice(0, -".sql".length))
    .sort();
}

/**
 * Whether a service may start, judged within a transaction of its own pool, so under its own role.
 *
 * @throws {SchemaError} with one line: the schema is older or newer than this build, or the role is above row-level security.
 */
export async function checkSchema(schema: Schema, transaction: Transaction): Promise<void> {
  await checkRole(schema, transaction);
  const expected = await migrationNames(schema);
  const found = await transaction
    .query<{ name: string }>(`SELECT name FROM ${schema.name}.${migrationsTable} ORDER BY id`)
    .catch(explain(schema));
  const names = new Set(found.map(({ name }) => name));
  const missing = expected.filter((name) => !names.has(name));
  if (missing.length > 0) {
    throw new SchemaError(
      `The database is older than this build: its schema ${schema.name} lacks ${missing.join(", ")}. Run \`${schema.command}\`, then start again.`,
    );
  }
  const unknown = [...names].filter((name) => !expected.includes(name));
  if (unknown.length > 0) {
    throw new SchemaError(
      `The database is newer than this build: its schema ${schema.name} has ${unknown.join(", ")}. Start a build that knows it.`,
    );
  }
}

/** Makes one line of what a first connection fails with. Gives back what is no matter of the schema. */
export function explain(schema: Schema): (error: unknown) => never {
  return (error) => {
    const sqlState = error instanceof PostgresError ? error.sqlState : undefined;
    // 22023 at the start of a connection: the role is not there. 3F000, 42P01: schema, table. 42501: it may not be used.
    if (sqlState === "22023" || sqlState === "3F000" || sqlState === "42P01") {
      throw new SchemaError(
        `The database has no schema ${schema.name} yet. Run \`${schema.command}\`, then start again.`,
        { cause: error },
      );
    }
    if (sqlState === "42501") {
      throw new SchemaError(
        `The login of DATABASE_URL may not act as ${schema.roles.join(" and ")}. Run \`GRANT ${schema.roles.join(", ")} TO login\` as the owner of the database, then start again.`,
        { cause: error },
      );
    }
    if (error instanceof ConnectionError && (sqlState === "28P01" || sqlState === "28000" || sqlState === "3D000")) {
      throw new SchemaError(
        "PostgreSQL refuses the login, or has no such database. Check user, password and database of DATABASE_URL.",
        { cause: error },
      );
    }
    throw error;
  };
}

async function checkRole(schema: Schema, transaction: Transaction): Promise<void> {
  const [role] = await transaction.query<{ name: string; is_above: boolean; owns: boolean; encoding: string }>(
    `SELECT current_user AS name, rolsuper OR rolbypassrls AS is_above, current_setting('server_encoding') AS encoding,
       EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relowner = r.oid) AS owns
     FROM pg_roles r WHERE rolname = current_user`,
    [schema.name],
  );
  if (role === undefined || role.is_above || role.owns) {
    throw new SchemaError(
      `The role ${role?.name} is above row-level security, so tenants would not be kept apart. Use ${schema.roles.join(" or ")}, made by \`${schema.command}\`.`,
    );
  }
  if (role.encoding !== "UTF8") {
    throw new SchemaError(
      `The database keeps text as ${role.encoding}. Create one with ENCODING 'UTF8' and set DATABASE_URL to it.`,
    );
  }
}
