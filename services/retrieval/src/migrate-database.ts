import { migrate, SchemaError } from "@quartet/postgres";
import {
  checkDatabaseUrl,
  databaseVariables,
  type Environment,
  parseEnv,
  StartError,
  type TaskContext,
} from "@quartet/service";
import { schema } from "./adapters/postgres/schema.ts";

/** Brings the tables of this service in DATABASE_URL, whose login is to be their owner, to this build's version. Throws StartError. */
export async function migrateDatabase(environment: Environment, { signal, print }: TaskContext): Promise<void> {
  const config = parseEnv(databaseVariables, environment);
  checkDatabaseUrl(config);
  const { databaseUrl } = config;
  if (databaseUrl === undefined)
    throw new StartError("DATABASE_URL: is not set. Set it to the database to migrate, with a login that owns it.");
  try {
    const names = await migrate({ url: databaseUrl.reveal(), schema, signal });
    print(names.length === 0 ? `${schema.name} is up to date.` : `${schema.name}: ${names.join(", ")} done.`);
  } catch (error) {
    throw error instanceof SchemaError ? new StartError(error.message, { cause: error }) : error;
  }
}
