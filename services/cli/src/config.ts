import path from "node:path";

/** What the environment says; options of the command line win over it. The only reader of process.env. */
export interface Config {
  /** The gateway, from QUARTET_SERVER; else QUARTET_PORT of this machine. */
  readonly server: string;
  /** An access token for the gateway, from QUARTET_TOKEN. */
  readonly token: string | undefined;
  /** The data folder of a server on this machine, absolute, from QUARTET_DATA_DIR. */
  readonly dataDir: string;
  /** The port of a server on this machine, from QUARTET_PORT. */
  readonly port: number;
  /** Where models are asked, from OPENAI_BASE_URL; undefined means the provider's own address. */
  readonly modelBaseUrl: string | undefined;
  /** API keys with the names of their variables, from OPENAI_API_KEY and OPENAI_API_KEY_1 and so on. */
  readonly modelKeys: readonly { readonly variable: string; readonly key: string }[];
  /** The whole environment, for child processes. */
  readonly environment: NodeJS.ProcessEnv;
}

/** A value of the environment or an option that cannot be meant. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

const defaultPort = 8080;

/**
 * Reads the environment; an empty value is an absent one.
 *
 * @throws {ConfigError} with one line that names the variable
 */
export function parseConfig(environment: NodeJS.ProcessEnv, workingDirectory: string): Config {
  const value = (name: string) => environment[name] || undefined;
  const port = checkedPort("QUARTET_PORT", value("QUARTET_PORT") ?? String(defaultPort));
  return Object.freeze({
    server: checkedUrl("QUARTET_SERVER", value("QUARTET_SERVER") ?? `http://127.0.0.1:${port || defaultPort}`),
    token: checkedToken("QUARTET_TOKEN", value("QUARTET_TOKEN")),
    dataDir: path.resolve(workingDirectory, value("QUARTET_DATA_DIR") ?? ".quartet"),
    port,
    modelBaseUrl: value("OPENAI_BASE_URL"),
    modelKeys: Object.keys(environment)
      .filter((name) => /^OPENAI_API_KEY(_\d+)?$/.test(name) && value(name) !== undefined)
      .sort((a, b) => a.localeCompare(b, "en", { numeric: true }))
      .map((variable) => ({ variable, key: environment[variable] ?? "" })),
    environment,
  });
}

/** @throws {ConfigError} unless the text is an http or https address */
export function checkedUrl(name: string, text: string): string {
  const protocol = URL.canParse(text) ? new URL(text).protocol : undefined;
  if (protocol === "http:" || protocol === "https:") return text;
  throw new ConfigError(`${name}: "${text}" is no address; write it like http://127.0.0.1:8080`);
}

/** @throws {ConfigError} unless it can go into a header; it is not shown. */
export function checkedToken(name: string, token: string | undefined): string | undefined {
  if (token === undefined || /^[!-~]*$/.test(token)) return token;
  throw new ConfigError(`${name}: holds what no access token does; copy it anew from where it was made`);
}

/** @throws {ConfigError} unless the text is a port number; 0 means any free one */
export function checkedPort(name: string, text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new ConfigError(`${name}: "${text}" is no port; write a number from 0 to 65535`);
}
