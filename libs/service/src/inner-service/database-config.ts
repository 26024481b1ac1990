import { ConfigError, type ConfigOf } from "../config/parse-env.ts";
import type { Secret } from "../config/secret.ts";
import { variable } from "../config/variable.ts";

/** Where PostgreSQL is, under the name that users know. It holds a password, so it is a secret as a whole. */
export const databaseVariables = {
  databaseUrl: variable.secret("DATABASE_URL", {
    optional: true,
    doc: "PostgreSQL 15 or newer with pgvector, as postgresql://user:password@host:5432/database; without it, documents are kept in QUARTET_DATA_DIR.",
  }),
} as const;

/** @throws {ConfigError} if DATABASE_URL is no address of PostgreSQL; it is not shown */
export function checkDatabaseUrl({ databaseUrl }: ConfigOf<typeof databaseVariables>): void {
  checkUrlOfDatabase("DATABASE_URL", databaseUrl);
}

/** The same for a further login, read from the variable of that name. */
export function checkUrlOfDatabase(name: string, given: Secret | undefined): void {
  if (given === undefined) return;
  const url = URL.parse(given.reveal());
  if (url !== null && ["postgres:", "postgresql:"].includes(url.protocol) && url.pathname.length > 1) return;
  throw new ConfigError([
    `${name}: is no address of a database. Write it as postgresql://user:password@host:5432/database.`,
  ]);
}
