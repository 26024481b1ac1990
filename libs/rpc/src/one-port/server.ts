import type { DescService } from "@bufbuild/protobuf";
import type { Interceptor, ServiceImpl } from "@connectrpc/connect";
import type { Logger, Metrics } from "@quartet/telemetry";
import { createDeadlines, type DeadlineOptions, type Deadlines } from "../deadline.ts";
import { drainWithin } from "../drain.ts";
import type { Routes } from "../handler.ts";
import { createInfrastructure } from "../infrastructure.ts";
import { createServerChain, type ServerChainOptions } from "../server-chain.ts";
import type { Authenticate, Gate } from "../authentication.ts";
import type { TlsServerOptions } from "../tls.ts";
import { createAdapter, type Mount } from "./adapter.ts";
import { type ConnectionLimits, createConnections } from "./connections.ts";
import { type CorsOptions, createCors } from "./cors.ts";
import type { HttpEndpoint } from "./endpoint.ts";
import { createHostCheck } from "./host-names.ts";
import type { HttpHandler } from "./http.ts";
import { createProtocolHandlers } from "./protocols.ts";

export interface OnePortServerOptions extends DeadlineOptions, ConnectionLimits {
  /** Who calls, as on the inner server. Default: `edge`. */
  readonly callers?: ServerChainOptions["callers"];
  /** Finds out who calls, before a request's body is read; health and reflection stay open. Default: everyone is the default tenant. */
  readonly authenticate?: Authenticate;
  /** Whether requests are checked against the contract. Default: true. */
  readonly validate?: boolean;
  /** The largest request message, compressed or not. Default: 4 MiB. */
  readonly readMaxBytes?: number;
  /** The largest response message. Default: 4 MiB. */
  readonly writeMaxBytes?: number;
  /** How long a reader may take nothing of what waits for it. Default: 30,000. */
  readonly readerStallMs?: number;
  /** Names by which clients may call, `loopbackNames` among them; a request for another name is refused. Default: any. */
  readonly hostNames?: readonly string[];
  /** Pages of other origins that may call. Default: none. */
  readonly cors?: CorsOptions;
  /** Further paths at which rpcs answer, such as `/api/v1/search`, each with the rpc's own: `/package.Service/Method`. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Paths of plain HTTP under the rules of rpcs. A path may be an alias as well, for what its endpoint does not accept. */
  readonly endpoints?: readonly HttpEndpoint[];
  /** Answers every path that is neither rpc nor endpoint. Default: 404. */
  readonly fallback?: HttpHandler;
  /** Whether tools may ask for the contract (grpc.reflection). Default: true. */
  readonly reflection?: boolean;
  /** Without it, the port is clear text. */
  readonly tls?: TlsServerOptions;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
}

export interface OnePortServer {
  /** Hosts one service. Before `listen`. */
  add<S extends DescService>(service: S, handlers: Partial<ServiceImpl<S>>): OnePortServer;
  /** Hosts every service of a module. Before `listen`. */
  mount(routes: Routes): OnePortServer;
  /** What grpc.health.v1 answers. True from `listen` on, false from `drain` on; in between the owner may change it. */
  setServing(serving: boolean): void;
  /** Opens the port (0: any free one), and says which it is. Default host: 127.0.0.1. */
  listen(address: { port: number; host?: string }): Promise<{ port: number }>;
  /** As on the inner server: finish, else last words, else closed at the limit. Calling it again waits for the same end. */
  drain(options: { limitMs: number }): Promise<void>;
}

interface Around {
  readonly interceptors: readonly Interceptor[];
  readonly gate: Gate | undefined;
}

const nothing: Around = { interceptors: [], gate: undefined };

const defaultMaxBytes = 4 * 1024 * 1024;

/** Hosts Connect handlers on one port for everyone: Connect, gRPC-Web and gRPC, over HTTP/1.1 and HTTP/2, beside plain HTTP routes. */
export function createOnePortServer(options: OnePortServerOptions = {}): OnePortServer {
  const {
    callers = "edge",
    validate = true,
    authenticate,
    readMaxBytes = defaultMaxBytes,
    writeMaxBytes = defaultMaxBytes,
    logger,
    metrics,
  } = options;
  const shutdown = new AbortController();
  const chain = createServerChain({ callers, authenticate, validate, logger, metrics });
  const infrastructure = createInfrastructure(options);
  const mounts = new Map<string, Mount>();
  let drained: Promise<void> | undefined;

  const host = (service: DescService, handlers: object, { interceptors, gate }: Around, deadlines: Deadlines) => {
    const protocolOptions = { interceptors, gate, readMaxBytes, writeMaxBytes, shutdownSignal: shutdown.signal };
    for (const hosted of createProtocolHandlers(service, handlers, protocolOptions)) {
      mounts.set(hosted.handler.requestPath, { ...hosted, deadlines });
    }
  };
  infrastructure.routes((service, handlers) => host(service, handlers, nothing, infrastructure.deadlines));

  const requestTimeoutMs = options.requestTimeoutMs ?? 60_000;
  const adapter = createAdapter({
    mounts,
    endpoints: options.endpoints ?? [],
    endpointHost: {
      ...options,
      callers,
      authenticate,
      requestTimeoutMs,
      shutdownSignal: shutdown.signal,
      logger,
      metrics,
    },
    fallback: options.fallback ?? notFound,
    readerStallMs: options.readerStallMs ?? 30_000,
    requestTimeoutMs,
    logger,
    metrics,
  });
  const refuseHost = options.hostNames === undefined ? undefined : createHostCheck(options.hostNames);
  const answerCors = options.cors === undefined ? undefined : createCors(options.cors);
  const connections = createConnections({
    ...options,
    tls: options.tls,
    handle: (request, response) => {
      if (refuseHost?.(request, response) === true || answerCors?.(request, response) === true) return;
      void adapter(request, response);
    },
  });
  const deadlines = createDeadlines(options);

  const server: OnePortServer = {
    add(service, handlers) {
      host(service, handlers, chain, deadlines);
      chain.prepare(service);
      infrastructure.add(service);
      return server;
    },
    mount(routes) {
      routes(server.add);
      return server;
    },
    setServing: infrastructure.setServing,
    async listen({ port, host: address = "127.0.0.1" }) {
      for (const [alias, path] of Object.entries(options.aliases ?? {})) {
        const mount = mounts.get(path);
        if (mount === undefined) throw new Error(`${alias} stands for ${path}, which is not hosted here.`);
        mounts.set(alias, mount);
      }
      const bound = await connections.listen({ port, host: address });
      infrastructure.setServing(true);
      return bound;
    },
    drain({ limitMs }) {
      infrastructure.close();
      drained ??= drainWithin({ closed: connections.close(), limitMs, shutdown, destroy: connections.destroy });
      return drained;
    },
  };
  return server;
}

const notFound: HttpHandler = (_request, response) => {
  response.statusCode = 404;
  response.end();
};
