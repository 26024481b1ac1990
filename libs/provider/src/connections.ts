import { Agent } from "undici";

/** How long an idle connection is kept; most providers close theirs after 60 s or more, and one that tells otherwise is believed. */
const KEEP_ALIVE_MS = 30_000;
const CONNECT_TIMEOUT_MS = 5_000;

export interface AgentOptions {
  readonly connections: number;
  readonly ca?: string | undefined;
}

/** Connections with no limit of time but for making them. */
export function createAgent({ connections, ca }: AgentOptions): Agent {
  return new Agent({
    connections,
    allowH2: true,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // A model may think for long; the clocks of the answer know how long.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: CONNECT_TIMEOUT_MS, ...(ca === undefined ? {} : { ca }) },
  });
}
