import type { QuartetClient } from "@quartet/client";
import type { Terminal } from "./adapters/terminal.ts";
import type { Config } from "./config.ts";

/** What every command works with. */
export interface Context {
  readonly config: Config;
  /** The gateway: --server, else QUARTET_SERVER. */
  readonly server: string;
  /** Whether --server was given. */
  readonly serverGiven: boolean;
  /** An access token: --token, else QUARTET_TOKEN. */
  readonly token: string | undefined;
  /** Whether to print JSON. */
  readonly json: boolean;
  readonly terminal: Terminal;
  /** Aborted by Ctrl-C and by SIGTERM. */
  readonly signal: AbortSignal;
  readonly workingDirectory: string;
  /** A client of the gateway. */
  client(): QuartetClient;
}
