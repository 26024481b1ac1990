import * as http from "node:http";
import * as http2 from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { TlsServerOptions } from "../tls.ts";
import type { HttpRequest, HttpResponse } from "./http.ts";
import { sortByPreface } from "./preface.ts";

export interface ConnectionLimits {
  /** How long a client may take to show which protocol it speaks, once it says something. Default: 10,000. */
  readonly prefaceTimeoutMs?: number;
  /** How long a client may take to send a request's headers, over HTTP/1.1. Default: 15,000. */
  readonly headersTimeoutMs?: number;
  /** How long a client may take to send a request; not for clients that stream. Default: 60,000. */
  readonly requestTimeoutMs?: number;
  /** How long a connection may stay without a request. Default: 120,000. */
  readonly idleTimeoutMs?: number;
  /** Calls at once on one HTTP/2 connection. Default: 250. */
  readonly maxConcurrentStreams?: number;
  /** The size of a request's headers. Default: 16 KiB. */
  readonly maxHeaderBytes?: number;
  /** Connections at once; more are closed as they come. Default: 10,000. */
  readonly maxConnections?: number;
}

export interface ConnectionsOptions extends ConnectionLimits {
  readonly handle: (request: HttpRequest, response: HttpResponse) => void;
  readonly tls: TlsServerOptions | undefined;
}

export interface Connections {
  listen(address: { port: number; host: string }): Promise<{ port: number }>;
  /** Takes no more connections and requests; resolves when the last call has ended and every connection is closed. */
  close(): Promise<void>;
  /** Closes every connection now. */
  destroy(): void;
}

const PREFACE_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 120_000;

/** Accepts HTTP/1.1 and HTTP/2 on one port: by the first bytes on clear text, by ALPN over TLS. */
export function createConnections(options: ConnectionsOptions): Connections {
  const { handle, tls, maxConnections = 10_000, idleTimeoutMs = IDLE_TIMEOUT_MS } = options;
  const sockets = new Set<Socket>();
  const sessions = new Set<http2.ServerHttp2Session>();
  const http1Responses = new Set<http.ServerResponse>();
  let closing = false;

  const onRequest = (request: HttpRequest, response: HttpResponse) => {
    if (!("stream" in response)) followHttp1(response, http1Responses, () => closing);
    handle(request, response);
  };
  const onSession = (session: http2.ServerHttp2Session) => {
    if (closing) return session.close();
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    session.on("error", () => undefined);
    session.setTimeout(idleTimeoutMs, () => session.close());
  };
  const server =
    tls === undefined ? clearTextServer(options, onRequest, onSession) : tlsServer(options, tls, onRequest, onSession);
  server.maxConnections = maxConnections;
  server.prependListener("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.once("close", () => {
      sockets.delete(socket);
      if (closing) endUnused();
    });
  });
  /** Connections that were opened ahead of a need that did not come may be used while there are calls, and hold nothing up: no protocol of theirs would end them. */
  const endUnused = () => {
    for (const { bytesRead } of sockets) if (bytesRead > 0) return;
    for (const socket of sockets) socket.destroy();
  };

  return {
    listen: ({ port, host }) =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, host, () => {
          server.removeListener("error", reject);
          resolve({ port: (server.address() as AddressInfo).port });
        });
      }),
    close() {
      closing = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const session of sessions) session.close();
      for (const response of http1Responses) closeAfter(response);
      endUnused();
      return closed;
    },
    destroy() {
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
    },
  };
}

type OnRequest = (request: HttpRequest, response: HttpResponse) => void;
type OnSession = (session: http2.ServerHttp2Session) => void;

function clearTextServer(options: ConnectionLimits, onRequest: OnRequest, onSession: OnSession): http.Server {
  const server = http.createServer(http1Options(options), onRequest);
  const http2Server = http2.createServer(http2Options(options), onRequest);
  http2Server.on("session", onSession);
  // The HTTP/1.1 server owns the port, so that its own timeouts run; what speaks HTTP/2 is handed over.
  const [onHttp1] = server.listeners("connection") as ((socket: Socket) => void)[];
  server.removeAllListeners("connection");
  const limits = {
    prefaceMs: options.prefaceTimeoutMs ?? PREFACE_TIMEOUT_MS,
    silentMs: options.idleTimeoutMs ?? IDLE_TIMEOUT_MS,
  };
  server.on("connection", (socket: Socket) => {
    sortByPreface(socket, limits, {
      http1: () => onHttp1?.call(server, socket),
      http2: () => {
        // Sockets of an HTTP/1.1 server stay open when the other end says no more; an HTTP/2 client that does has left, and nobody else would notice.
        socket.allowHalfOpen = false;
        http2Server.emit("connection", socket);
      },
    });
  });
  return server;
}

function tlsServer(options: ConnectionLimits, tls: TlsServerOptions, onRequest: OnRequest, onSession: OnSession) {
  const { certificate: cert, privateKey: key, clientAuthority: ca } = tls;
  const server = http2.createSecureServer(
    {
      ...http1Options(options),
      ...http2Options(options),
      cert,
      key,
      ...(ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true }),
      allowHTTP1: true,
      handshakeTimeout: options.prefaceTimeoutMs ?? PREFACE_TIMEOUT_MS,
    },
    onRequest,
  );
  server.on("session", onSession);
  const { headersTimeout, requestTimeout, keepAliveTimeout } = http1Options(options);
  return Object.assign(server, { headersTimeout, requestTimeout, keepAliveTimeout });
}

function http1Options({
  headersTimeoutMs,
  requestTimeoutMs,
  idleTimeoutMs,
  maxHeaderBytes,
}: ConnectionLimits): http.ServerOptions {
  const requestTimeout = requestTimeoutMs ?? 60_000;
  return {
    headersTimeout: Math.min(headersTimeoutMs ?? 15_000, requestTimeout),
    requestTimeout,
    keepAliveTimeout: idleTimeoutMs ?? IDLE_TIMEOUT_MS,
    connectionsCheckingInterval: 1_000,
    maxHeaderSize: maxHeaderBytes ?? 16 * 1024,
  };
}

function http2Options({ maxConcurrentStreams, maxHeaderBytes }: ConnectionLimits): http2.ServerOptions {
  return {
    settings: {
      maxConcurrentStreams: maxConcurrentStreams ?? 250,
      maxHeaderListSize: maxHeaderBytes ?? 16 * 1024,
      initialWindowSize: 1024 * 1024,
    },
    // In MiB. Node's 10 are too few for 250 calls with a message each.
    maxSessionMemory: 64,
  };
}

/** Knows the responses under way over HTTP/1.1, which the server cannot tell that it is going down but by closing behind them. */
function followHttp1(response: http.ServerResponse, open: Set<http.ServerResponse>, closing: () => boolean): void {
  open.add(response);
  response.once("close", () => open.delete(response));
  if (closing()) closeAfter(response);
}

function closeAfter(response: http.ServerResponse): void {
  // At the end Node.js takes the socket off the response before it tells anybody else.
  const { headersSent, socket } = response;
  if (!headersSent) response.setHeader("connection", "close");
  else response.once("finish", () => socket?.destroySoon());
}
