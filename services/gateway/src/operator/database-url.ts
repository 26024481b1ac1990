import { checkDatabaseUrl, databaseVariables, type Environment, parseEnv, StartError } from "@quartet/service";

/** The database that an operator's command works on, as its owner. Throws StartError and ConfigError. */
export function databaseUrlOf(environment: Environment): string {
  const config = parseEnv(databaseVariables, environment);
  checkDatabaseUrl(config);
  if (config.databaseUrl !== undefined) return config.databaseUrl.reveal();
  throw new StartError(
    "DATABASE_URL: is not set. Set it to the gateway's database, with the login that owns its tables.",
  );
}
