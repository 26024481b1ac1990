import type { Agent, Dispatcher } from "undici";
import { createWaitTimes } from "@quartet/resilience";
import { ConnectionError } from "./errors.ts";
import { createAgent, type Watching, watchRequest } from "./connections.ts";
import { createHttpReply, type HttpReply } from "./http-reply.ts";

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

export interface HttpRequest {
  /** As in `https://api.openai.com`. */
  readonly origin: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  /** Aborting it closes the socket, or over HTTP/2 the stream, at any time until the end of the reply. */
  readonly signal: AbortSignal;
  /** The longest body of this reply in bytes. Default: the transport's. */
  readonly maxReplyBytes?: number | undefined;
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

  const connect = (): Connections => {
    const agent = createAgent(options);
    const dispatcher = agent.compose(
      (dispatch) => (request, handler) =>
        dispatch(request, watchRequest(handler, (request as WatchedRequest).watching)),
    );
    return { agent, dispatcher };
  };
  const watch = (): Watching => {
    waitingCount++;
    const waitsSince = performance.now();
    let waits = true;
    return {
      onStarted: () => {
        if (!waits) return;
        waits = false;
        waitingCount--;
        waitTimes.add(performance.now() - waitsSince);
      },
      onHeard: () => (lastHeardAt = performance.now()),
    };
  };
  let current = connect();
  const left = new Set<Agent>();

  const leave = (connections: Connections) => {
    if (connections !== current) return;
    const { agent } = current;
    current = connect();
    left.add(agent);
    void agent.close().finally(() => left.delete(agent));
  };

  return {
    post: async ({ maxReplyBytes: maxBytes = maxReplyBytes, ...request }) => {
      const { signal } = request;
      const used = current;
      const startedAt = performance.now();
      const onGivenUp = () => {
        if (performance.now() - Math.max(startedAt, lastHeardAt) >= distrustAfterMs) leave(used);
      };
      const watching = watch();
      const watched: WatchedRequest = { ...request, method: "POST", watching };
      try {
        const reply = await orAborted(used.dispatcher.request(watched), signal);
        return createHttpReply(reply, { maxBytes, signal, onGivenUp });
      } catch (error) {
        watching.onStarted();
        if (!signal.aborted) throw new ConnectionError(error);
        onGivenUp();
        throw signal.reason;
      }
    },
    figures: () => ({
      ...countConnections([current.agent, ...left]),
      maxSize: connections,
      waitingCount,
      waitP95Ms: waitTimes.p95(),
    }),
    close: async () => {
      await Promise.all([current.agent, ...left].map((agent) => agent.destroy()));
    },
  };
}

/** What is watched is told along with the request: whoever reads a request passes over what he does not know. */
interface WatchedRequest extends Dispatcher.RequestOptions, Dispatcher.DispatchOptions {
  readonly watching: Watching;
}

/** undici notices only when it is its turn that a call that waits for a connection was aborted; nobody waits for that. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

interface Connections {
  readonly agent: Agent;
  /** The same, watched. */
  readonly dispatcher: Dispatcher;
}

function countConnections(agents: readonly Agent[]): { size: number; idleCount: number } {
  let [size, running] = [0, 0];
  for (const each of agents.flatMap(({ stats }) => Object.values(stats))) {
    size += Number(each.connected);
    running += each.running;
  }
  return { size, idleCount: Math.max(0, size - running) };
}
