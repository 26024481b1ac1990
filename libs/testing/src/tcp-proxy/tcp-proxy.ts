import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { relay } from "./relay.ts";

/** What the network between a client and a server does, from now on, to connections that are there already as well. */
export type TcpFault =
  /** All is well. */
  | { readonly kind: "pass" }
  /** The server is gone: connections are reset, new ones refused. */
  | { readonly kind: "refuse" }
  /** The server hangs: connections are accepted, and no byte gets through either way until the next fault, which delivers what was held. */
  | { readonly kind: "hang" }
  /** What the server says arrives so much later. */
  | { readonly kind: "delay"; readonly delayMs: number }
  /** Each connection is reset once so many bytes of the server, counted from now, have arrived. */
  | { readonly kind: "cut"; readonly afterBytes: number };

/** A stretch of network on loopback that fails as told. */
export interface TcpProxy extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** The URL of the server, changed so that it leads through the proxy. */
  url(serverUrl: string): string;
  /** Resolves once the fault holds; after `refuse`, once connections are accepted again. */
  set(fault: TcpFault): Promise<void>;
  /** Resets the connections there are; new ones fare as before. */
  cutAll(): void;
  /** Connections that are there now. */
  readonly openConnections: number;
  /** Connections that were accepted so far. */
  readonly acceptedConnections: number;
  /** Resets every connection and stops listening. */
  close(): Promise<void>;
}

const HOST = "127.0.0.1";

interface Connection {
  cut(): void;
  /** Bytes of the server that went to the client since the fault was set. */
  receivedBytes: number;
}

/**
 * Stands between a client and a server on loopback. The test that makes it closes it.
 *
 * @param target the server: its URL with a port, or its host and port
 */
export async function createTcpProxy({
  target,
}: {
  readonly target: string | { readonly host: string; readonly port: number };
}): Promise<TcpProxy> {
  const server = typeof target === "string" ? addressOf(target) : target;
  const connections = new Set<Connection>();
  let acceptedConnections = 0;
  let fault: TcpFault = { kind: "pass" };
  let change = Promise.withResolvers<void>();

  const release = async (arrivedAtMs: number) => {
    for (;;) {
      const leftMs = fault.kind === "delay" ? arrivedAtMs + fault.delayMs - performance.now() : 0;
      if (fault.kind !== "hang" && leftMs <= 0) return;
      const waiting = new AbortController();
      const elapsed = fault.kind === "hang" ? [] : [sleep(leftMs, undefined, waiting).catch(() => undefined)];
      await Promise.race([change.promise, ...elapsed]).finally(() => waiting.abort());
    }
  };

  const accept = (client: Socket) => {
    acceptedConnections += 1;
    const upstream = connect({ ...server, allowHalfOpen: true });
    let isCut = false;
    const cut = () => {
      isCut = true;
      for (const socket of [client, upstream]) reset(socket);
    };
    const connection: Connection = { cut, receivedBytes: 0 };
    connections.add(connection);
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true).on("error", cut);
      socket.once("close", () => {
        connections.delete(connection);
        if (isCut) return;
        client.destroy();
        upstream.destroy();
      });
    }
    const admit = (bytes: Buffer) => {
      const leftBytes = fault.kind === "cut" ? Math.max(0, fault.afterBytes - connection.receivedBytes) : Infinity;
      const admitted = bytes.subarray(0, leftBytes);
      connection.receivedBytes += admitted.length;
      return { admitted, isLast: bytes.length >= leftBytes };
    };
    relay(client, upstream, { release, cut });
    relay(upstream, client, { release, admit, cut });
  };

  const listener = createServer({ allowHalfOpen: true }, accept);
  const listen = async (port: number) => {
    listener.listen(port, HOST);
    await once(listener, "listening");
  };
  const cutAll = () => connections.forEach(({ cut }) => cut());
  const stopListening = async () => {
    const closed = listener.listening ? once(listener, "close") : undefined;
    if (closed) listener.close();
    cutAll();
    await closed;
  };
  const set = async (next: TcpFault) => {
    fault = next;
    for (const connection of connections) connection.receivedBytes = 0;
    change.resolve();
    change = Promise.withResolvers();
    if (next.kind === "refuse") await stopListening();
    else if (!listener.listening) await listen(port);
  };
  const close = async () => {
    fault = { kind: "pass" };
    change.resolve();
    await stopListening();
  };

  await listen(0);
  const { port } = listener.address() as AddressInfo;
  return {
    host: HOST,
    port,
    url: (serverUrl) => Object.assign(new URL(serverUrl), { host: `${HOST}:${port}` }).href,
    set,
    cutAll,
    get openConnections() {
      return connections.size;
    },
    get acceptedConnections() {
      return acceptedConnections;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * Ends the connection by a reset where the system can: not once it is being ended in order. Node (24) loses a handle whose reset the system refuses,
 * and then never ends; so does one that is destroyed while its reset is under way.
 */
function reset(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.writableEnded || socket.writableLength > 0) socket.destroy();
  else socket.resetAndDestroy();
}

function addressOf(url: string): { readonly host: string; readonly port: number } {
  const { hostname, port } = new URL(url);
  if (!port) throw new Error(`A server's port is needed, and ${url} names none.`);
  return { host: hostname, port: Number(port) };
}
