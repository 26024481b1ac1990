import { checkTls, type ConfigOf, type Environment, parseEnv, serverVariables, variable } from "@quartet/service";

/** Everything that the retrieval service reads from the environment. */
export const variables = {
  ...serverVariables({ service: "retrieval", port: 50_052 }),
  dataDir: variable.text("QUARTET_DATA_DIR", {
    default: ".quartet",
    pattern: /^[^\0]{1,4096}$/,
    expected: "the path of a folder, or :memory:",
    doc: "Folder with everything that is kept, made if it is not there; :memory: keeps nothing.",
  }),
  legTimeLimitMs: variable.duration("QUARTET_RETRIEVAL_LEG_TIMEOUT", {
    default: 2_000,
    min: 10,
    max: 60_000,
    doc: "How long keywords, and how long vectors, may search for one question; what is later is left out, and the answer says so.",
  }),
} as const;

export type Config = ConfigOf<typeof variables>;

/** @throws {ConfigError} with one line per mistake. */
export function parseConfig(environment: Environment): Config {
  const config = parseEnv(variables, environment);
  checkTls(config);
  return config;
}
