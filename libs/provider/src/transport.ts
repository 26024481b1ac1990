import { Agent, type Dispatcher } from "undici";
import type { Readable } from "node:stream";
import { createWaitTimes } from "@quartet/resilience";
import { ConnectionError, ReplyTooLongError, StreamBrokenError } from "./errors.ts";

export interface TransportOptions {
  /** Connections kept to the provider at most. Over HTTP/1.1 a call holds one until its end, over HTTP/2 a hundred calls share one. */
  readonly connections: number;
  /** The longest body of a reply in bytes. */
  readonly maxReplyBytes: number;
  /** Certificates to trust, in PEM. Default: Node's own, and those of NODE_EXTRA_CA_CERTS. */
  readonly ca?: string | undefined;
  /** A call that is given up after so long, while nothing came on any connection, is the last on these connections. Default: 5 s. */
  readonly distrustAfterMs?: number;
}

export interface HttpRequest {
  readonly url: URL;
  readonly headers: Iterable<[string, string]>;
  readonly body: string | Uint8Array;
  /** Aborting it closes the socket, or over HTTP/2 the stream, at any time until the end of the reply. */
  readonly signal: AbortSignal;
}

export interface HttpReply {
  readonly status: number;
  readonly headers: Headers;
  /**
   * The bytes, to be read once; whoever leaves early ends the call.
   *
   * @throws {ReplyTooLongError}, {StreamBrokenError}, or the signal's reason
   */
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the call without reading on. */
  dismiss(): void;
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

/** How long an idle connection is kept; most providers close theirs after 60 s or more, and one that tells otherwise is believed. */
const KEEP_ALIVE_MS = 30_000;
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Kept connections to one provider: HTTP/2 where it is offered over TLS, HTTP/1.1 else.
 *
 * A call that is given up ends its HTTP/1.1 connection, but only its own stream of an HTTP/2 one. Where a firewall has dropped that connection
 * without a word, every later call would be given up as well. So connections on which nothing comes are left to the calls that they still
 * carry, and the next call makes a new one.
 */
export function createTransport(options: TransportOptions): Transport {
  const { connections, maxReplyBytes, distrustAfterMs = 5_000 } = options;
  const waits = createWaitTimes();
  let waitingCount = 0;
  /** When a byte came last, on any connection. */
  let lastHeardAt = 0;

  const connect = (): Connections => {
    const agent = createAgent(options);
    const dispatcher = agent.compose((dispatch) => (request, handler) => {
      waitingCount++;
      const waitedFrom = performance.now();
      const onStarted = () => {
        waitingCount--;
        waits.add(performance.now() - waitedFrom);
      };
      return dispatch(request, watch(handler, { onStarted, onHeard: () => (lastHeardAt = performance.now()) }));
    });
    return { agent, dispatcher };
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
    post: async ({ url, headers, body, signal }) => {
      const used = current;
      const startedAt = performance.now();
      try {
        const reply = await used.dispatcher.request({
          origin: url.origin,
          path: url.pathname + url.search,
          method: "POST",
          headers: Object.fromEntries(headers),
          body,
          signal,
        });
        // A body that nobody reads any more ends with an error that nobody waits for.
        reply.body.on("error", () => undefined);
        return {
          status: reply.statusCode,
          headers: headersOf(reply.headers),
          body: bounded(reply.body, { maxBytes: maxReplyBytes, signal }),
          dismiss: () => void reply.body.destroy(),
        };
      } catch (error) {
        const isMute = lastHeardAt < startedAt && performance.now() - startedAt >= distrustAfterMs;
        if (signal.aborted && isMute) leave(used);
        signal.throwIfAborted();
        throw new ConnectionError(error);
      }
    },
    figures: () => ({
      ...countConnections([current.agent, ...left]),
      maxSize: connections,
      waitingCount,
      waitP95Ms: waits.p95(),
    }),
    close: async () => {
      await Promise.all([current.agent, ...left].map((agent) => agent.destroy()));
    },
  };
}

interface Connections {
  readonly agent: Agent;
  /** The same, watched. */
  readonly dispatcher: Dispatcher;
}

function createAgent({ connections, ca }: TransportOptions): Agent {
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

interface Watching {
  /** Once: the request goes to a connection, or can no longer. */
  onStarted(): void;
  /** Whenever bytes have come. */
  onHeard(): void;
}

function watch(handler: Dispatcher.DispatchHandler, { onStarted, onHeard }: Watching): Dispatcher.DispatchHandler {
  let isStarted = false;
  const start = () => {
    if (isStarted) return;
    isStarted = true;
    onStarted();
  };
  return {
    onRequestStart: (...given) => {
      start();
      handler.onRequestStart?.(...given);
    },
    onResponseStart: (...given) => {
      onHeard();
      handler.onResponseStart?.(...given);
    },
    onResponseData: (...given) => {
      onHeard();
      handler.onResponseData?.(...given);
    },
    onResponseEnd: (...given) => handler.onResponseEnd?.(...given),
    onResponseError: (...given) => {
      start();
      handler.onResponseError?.(...given);
    },
  };
}

function headersOf(raw: Readonly<Record<string, string | string[] | undefined>>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(raw)) {
    for (const each of [value ?? []].flat()) headers.append(name, each);
  }
  return headers;
}

async function* bounded(
  body: Readable,
  { maxBytes, signal }: { readonly maxBytes: number; readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array, void, undefined> {
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) throw new ReplyTooLongError();
      yield chunk;
    }
  } catch (error) {
    if (error instanceof ReplyTooLongError) throw error;
    signal.throwIfAborted();
    throw new StreamBrokenError("the reply broke off", error);
  }
}

function countConnections(agents: readonly Agent[]): { size: number; idleCount: number } {
  let [size, running] = [0, 0];
  for (const each of agents.flatMap(({ stats }) => Object.values(stats))) {
    size += Number(each.connected);
    running += each.running;
  }
  return { size, idleCount: Math.max(0, size - running) };
}
