import type { Agent } from "undici";
import { createWaitTimes } from "@quartet/resilience";
import { createAgent } from "./connections.ts";
import { exchange, type HttpRequest } from "./exchange.ts";
import type { HttpReply } from "./http-reply.ts";

export interface TransportOptions {
  /** Connections kept to the provider at most. Over HTTP/1.1 a call holds one until its end, over HTTP/2 a hundred calls share one. */
  readonly connections: number;
  /** The longest body of a reply in bytes. */
  readonly maxReplyBytes: number;
  /** Certificates to trust, in PEM. Default: Node's own, and those of NODE_EXTRA_CA_CERTS. */
  readonly ca?: string | undefined;
  /** A call that is given up when nothing came on any connection for so long is the last on these connections. Default: 5 s. */
  readonly distrustAfterMs?: number;
}

/** Connections as they are now; see the contract's `PoolStats`. */
export interface TransportFigures {
  readonly size: number;
  readonly maxSize: number;
  /** Connections without a call; over HTTP/2 they are told as busy while there are at least as many calls as connections. */
  readonly idleCount: number;
  /** Calls for which there is no connection yet. */
  readonly waitingCount: number;
  /** The 95th percentile of that wait over 5 minutes. */
  readonly waitP95Ms: number;
}

export interface Transport {
  /**
   * Posts, and resolves when the reply begins. Neither retries, follows redirects nor limits time: the callers do, where they want it.
   *
   * @throws {ConnectionError}, or the signal's reason
   */
  post(request: HttpRequest): Promise<HttpReply>;
  figures(): TransportFigures;
  /** Ends all connections; calls under way fail. */
  close(): Promise<void>;
}

/**
 * Kept connections to one provider: HTTP/2 where it is offered over TLS, HTTP/1.1 else.
 *
 * A call that is given up ends its HTTP/1.1 connection, but only its own stream of an HTTP/2 one. Where a firewall has dropped that connection
 * without a word, every later call would be given up as well. So connections on which nothing comes are left to the calls that they still
 * carry, and the next call makes a new one.
 */
export function createTransport(options: TransportOptions): Transport {
  const { connections, maxReplyBytes, distrustAfterMs = 5_000 } = options;
  const waitTimes = createWaitTimes();
  let waitingCount = 0;
  /** When a byte came last, on any connection. */
  let lastHeardAt = 0;

  let current = createAgent(options);
  const left = new Set<Agent>();

  const leave = (agent: Agent) => {
    if (agent !== current) return;
    current = createAgent(options);
    left.add(agent);
    void agent.close().finally(() => left.delete(agent));
  };

  return {
    post: (request) => {
      const used = current;
      const startedAt = performance.now();
      waitingCount++;
      return exchange(
        used,
        { ...request, maxReplyBytes: request.maxReplyBytes ?? maxReplyBytes },
        {
          onStarted: () => {
            waitingCount--;
            waitTimes.add(performance.now() - startedAt);
          },
          onHeard: () => (lastHeardAt = performance.now()),
          onGivenUp: () => {
            if (performance.now() - Math.max(startedAt, lastHeardAt) >= distrustAfterMs) leave(used);
          },
        },
      );
    },
    figures: () => ({
      ...countConnections([current, ...left]),
      maxSize: connections,
      waitingCount,
      waitP95Ms: waitTimes.p95(),
    }),
    close: async () => {
      await Promise.all([current, ...left].map((agent) => agent.destroy()));
    },
  };
}

function countConnections(agents: readonly Agent[]): { size: number; idleCount: number } {
  let [size, running] = [0, 0];
  for (const each of agents.flatMap(({ stats }) => Object.values(stats))) {
    size += Number(each.connected);
    running += each.running;
  }
  return { size, idleCount: Math.max(0, size - running) };
}
