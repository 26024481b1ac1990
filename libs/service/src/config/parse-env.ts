import { StartError } from "../lifecycle/start-error.ts";
import type { Environment, Variable } from "./reading.ts";

/** The declarative table of a service: a name in the config for each variable. */
export type Variables = Readonly<Record<string, Variable<unknown>>>;

/** The typed config that a table of variables gives. */
export type ConfigOf<V extends Variables> = { readonly [K in keyof V]: V[K] extends Variable<infer T> ? T : never };

/** What is wrong with the configuration: one line per mistake, each with the variable's name and what to do. */
export class ConfigError extends StartError {
  override readonly name = "ConfigError";
  readonly mistakes: readonly string[];

  constructor(mistakes: readonly string[]) {
    super(mistakes.join("\n"));
    this.mistakes = mistakes;
  }
}

/**
 * Reads a table of variables into a frozen object.
 *
 * @throws {ConfigError} with every mistake at once. A secret's value is never part of a line.
 */
export function parseEnv<V extends Variables>(variables: V, environment: Environment): ConfigOf<V> {
  const mistakes: string[] = [];
  const config: Record<string, unknown> = {};
  for (const [key, each] of Object.entries(variables)) {
    const reading = each.read(environment);
    if ("mistakes" in reading) mistakes.push(...reading.mistakes);
    else config[key] = reading.value;
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return Object.freeze(config) as ConfigOf<V>;
}

/**
 * Runs the `parseConfig` of several services over one environment, as standalone does.
 *
 * @throws {ConfigError} with the mistakes of all of them, each line once.
 */
export function parseTogether<P extends Readonly<Record<string, (environment: Environment) => unknown>>>(
  parsers: P,
  environment: Environment,
): { readonly [K in keyof P]: ReturnType<P[K]> } {
  const mistakes = new Set<string>();
  const configs: Record<string, unknown> = {};
  for (const [key, parse] of Object.entries(parsers)) {
    try {
      configs[key] = parse(environment);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const mistake of error.mistakes) mistakes.add(mistake);
    }
  }
  if (mistakes.size > 0) throw new ConfigError([...mistakes]);
  return Object.freeze(configs) as { readonly [K in keyof P]: ReturnType<P[K]> };
}
