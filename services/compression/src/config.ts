import { checkTls, parseEnv, serverVariables, type ConfigOf, type Environment } from "@quartet/service";

/** Everything that the compression service reads from the environment. */
export const variables = serverVariables({ service: "compression", port: 50_053 });

export type Config = ConfigOf<typeof variables>;

/** @throws {ConfigError} with one line per mistake. */
export function parseConfig(environment: Environment): Config {
  const config = parseEnv(variables, environment);
  checkTls(config);
  return config;
}
