import { migrate, SchemaError } from "@quartet/postgres";
import {
  checkDatabaseUrl,
  databaseVariables,
  type Environment,
  parseEnv,
  StartError,
  type TaskContext,
} from "@quartet/service";
import { ledgerSchema } from "./adapters/postgres-ledger.ts";

/** Brings the ledger in DATABASE_URL, whose login is to be its owner, to this build's version. Throws StartError. */
export async function migrateLedger(environment: Environment, { signal, print }: TaskContext): Promise<void> {
  const config = parseEnv(databaseVariables, environment);
  checkDatabaseUrl(config);
  const { databaseUrl } = config;
  if (databaseUrl === undefined)
    throw new StartError("DATABASE_URL: is not set. Set it to the database to migrate, with a login that owns it.");
  try {
    const names = await migrate({ url: databaseUrl.reveal(), schema: ledgerSchema, signal });
    print(
      names.length === 0 ? `${ledgerSchema.name} is up to date.` : `${ledgerSchema.name}: ${names.join(", ")} done.`,
    );
  } catch (error) {
    throw error instanceof SchemaError ? new StartError(error.message, { cause: error }) : error;
  }
}
