import { migrate, SchemaError } from "@quartet/postgres";
import { type Environment, StartError, type TaskContext } from "@quartet/service";
import { schema } from "../adapters/postgres/schema.ts";
import { databaseUrlOf } from "./database-url.ts";

/** Brings the tables of the gateway in DATABASE_URL, whose login is to be their owner, to this build's version. Throws StartError. */
export async function migrateDatabase(environment: Environment, { signal, print }: TaskContext): Promise<void> {
  const url = databaseUrlOf(environment);
  try {
    const names = await migrate({ url, schema, signal });
    print(names.length === 0 ? `${schema.name} is up to date.` : `${schema.name}: ${names.join(", ")} done.`);
  } catch (error) {
    throw error instanceof SchemaError ? new StartError(error.message, { cause: error }) : error;
  }
}
