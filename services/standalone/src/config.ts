import * as compression from "@quartet/compression-service";
import * as embedding from "@quartet/embedding-service";
import * as gateway from "@quartet/gateway-service";
import * as generation from "@quartet/generation-service";
import * as retrieval from "@quartet/retrieval-service";
import {
  ConfigError,
  type ConfigOf,
  type Environment,
  parseEnv,
  parseTogether,
  unknownVariables,
  variable,
} from "@quartet/service";

/** What standalone itself reads; the rest is what the five services read. */
export const variables = {
  exposeInner: variable.flag("QUARTET_EXPOSE_INNER", {
    default: false,
    doc: "Whether standalone serves the embedding, retrieval and compression services on its port too, as `quartet eval` needs them; not for production.",
  }),
} as const;

const services = { gateway, embedding, retrieval, compression, generation };

/** Read by the command line and the tests, which share the environment. */
const alsoKnown = ["QUARTET_SERVER", "QUARTET_TOKEN", "QUARTET_EVAL_DATA", "QUARTET_TEST_DATA"];

export interface Config {
  readonly own: ConfigOf<typeof variables>;
  readonly gateway: gateway.Config;
  readonly embedding: embedding.Config;
  readonly retrieval: retrieval.Config;
  readonly compression: compression.Config;
  readonly generation: generation.Config;
}

/** @throws {ConfigError} with one line per mistake of any service, and for every variable that looks like one but is none. */
export function parseConfig(environment: Environment): Config {
  const parsers = {
    own: (each: Environment) => parseEnv(variables, each),
    gateway: gateway.parseConfig,
    embedding: embedding.parseConfig,
    retrieval: retrieval.parseConfig,
    compression: compression.parseConfig,
    generation: generation.parseConfig,
  };
  const config = parseTogether(parsers, environment);
  const tables = [variables, ...Object.values(services).map((service) => service.variables)];
  const misspelt = unknownVariables(environment, tables, { alsoKnown }).filter(({ near }) => near);
  if (misspelt.length > 0) throw new ConfigError(misspelt.map(({ line }) => line));
  return config;
}
