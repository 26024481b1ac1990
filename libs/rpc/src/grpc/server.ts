import type { DescService } from "@bufbuild/protobuf";
import { type Interceptor, type ServiceImpl } from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";
import type { Logger, Metrics } from "@quartet/telemetry";
import { drainWithin } from "../drain.ts";
import { createDeadlines, type DeadlineOptions } from "../deadline.ts";
import { type AnyHandler, guard } from "../guard.ts";
import type { Routes } from "../handler.ts";
import { createInfrastructure } from "../infrastructure.ts";
import { createServerChain, type ServerChainOptions } from "../server-chain.ts";
import { isLoopback } from "../loopback.ts";
import type { TlsServerOptions } from "../tls.ts";
import { serviceDefinition } from "./codec.ts";
import { hostMethod, type HostOptions } from "./host.ts";
import { checkTimeouts } from "./check-timeouts.ts";

export interface RpcServerOptions extends DeadlineOptions {
  /** Who calls: `trusted` (default) is Quartet's own gateway, whose word on the tenant counts; `edge` is anyone. */
  readonly callers?: ServerChainOptions["callers"];
  /** Whether `trusted` callers may come over a network without mTLS, because something else keeps others out. Default: false. */
  readonly trustNetwork?: boolean;
  /** Whether requests are checked against the contract. Default: true. */
  readonly validate?: boolean;
  /** The largest request message, compressed or not. Default: 4 MiB. */
  readonly readMaxBytes?: number;
  /** The largest response message. Default: 4 MiB, which is what clients take by default. */
  readonly writeMaxBytes?: number;
  /** Calls at once on one connection. Default: 1,000. */
  readonly maxConcurrentStreams?: number;
  /** How often a silent connection is pinged. Default: 30,000. A peer that does not answer within 10 s is gone. */
  readonly keepaliveTimeMs?: number;
  /** Whether tools may ask for the contract (grpc.reflection). Default: true. */
  readonly reflection?: boolean;
  /** Without it, the port is clear text. */
  readonly tls?: TlsServerOptions;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
}

export interface RpcServer {
  /** Hosts one service. Before `listen`. */
  add<S extends DescService>(service: S, handlers: Partial<ServiceImpl<S>>): RpcServer;
  /** Hosts every service of a module. Before `listen`. */
  mount(routes: Routes): RpcServer;
  /** What grpc.health.v1 answers. True from `listen` on, false from `drain` on; in between the owner may change it. */
  setServing(serving: boolean): void;
  /** Opens the port (0: any free one), and says which it is. Default host: 127.0.0.1. */
  listen(address: { port: number; host?: string }): Promise<{ port: number }>;
  /**
   * Ends in order: takes no new calls, lets running ones finish, ends what is left with UNAVAILABLE (DRAINING) shortly before the
   * limit, and closes every connection at the limit. Calling it again waits for the same end.
   */
  drain(options: { limitMs: number }): Promise<void>;
}

const defaultMaxBytes = 4 * 1024 * 1024;

/** Hosts Connect handlers on grpc-js: the inner services' server. */
export function createRpcServer(options: RpcServerOptions = {}): RpcServer {
  const { callers = "trusted", validate = true, trustNetwork = false, tls, logger, metrics } = options;
  const shutdown = new AbortController();
  const server = new grpc.Server(channelOptions(options));
  checkTimeouts(server);
  const chain = createServerChain({ callers, validate, logger, metrics });
  const infrastructure = createInfrastructure(options);
  const writeMaxBytes = options.writeMaxBytes ?? defaultMaxBytes;
  const limits = { deadlines: createDeadlines(options), writeMaxBytes, shutdownSignal: shutdown.signal };
  let drained: Promise<void> | undefined;

  const host = (
    service: DescService,
    handlers: object,
    interceptors: readonly Interceptor[],
    hostOptions: HostOptions,
  ) => {
    const guarded = guard(service, handlers) as Record<string, AnyHandler | undefined>;
    const implementation: grpc.UntypedServiceImplementation = {};
    for (const method of service.methods) {
      const handler = guarded[method.localName];
      if (handler === undefined) continue;
      implementation[method.localName] = hostMethod({ method, handler, chain: interceptors }, hostOptions);
    }
    server.addService(serviceDefinition(service), implementation);
  };
  infrastructure.routes((service, handlers) => {
    host(service, handlers, [], { ...limits, deadlines: infrastructure.deadlines });
  });

  const rpcServer: RpcServer = {
    add(service, handlers) {
      host(service, handlers, chain.interceptors, limits);
      chain.prepare(service);
      infrastructure.add(service);
      return rpcServer;
    },
    mount(routes) {
      routes(rpcServer.add);
      return rpcServer;
    },
    setServing: infrastructure.setServing,
    async listen({ port, host = "127.0.0.1" }) {
      if (callers === "trusted" && !trustNetwork && tls?.clientAuthority === undefined && !isLoopback(host)) {
        throw new Error(`Refusing to trust callers on ${host} without mTLS: set tls.clientAuthority, or trustNetwork.`);
      }
      const bound = await bind(server, host, port, tls);
      infrastructure.setServing(true);
      return { port: bound };
    },
    drain({ limitMs }) {
      infrastructure.close();
      drained ??= drain(server, shutdown, limitMs);
      return drained;
    },
  };
  return rpcServer;
}

function channelOptions({ readMaxBytes, maxConcurrentStreams, keepaliveTimeMs }: RpcServerOptions): grpc.ServerOptions {
  return {
    "grpc.max_receive_message_length": readMaxBytes ?? defaultMaxBytes,
    // Checked where the message is encoded, so that the error says so.
    "grpc.max_send_message_length": -1,
    "grpc.max_concurrent_streams": maxConcurrentStreams ?? 1000,
    "grpc.keepalive_time_ms": keepaliveTimeMs ?? 30_000,
    "grpc.keepalive_timeout_ms": 10_000,
    "grpc.enable_channelz": 0,
  };
}

function bind(server: grpc.Server, host: string, port: number, tls: TlsServerOptions | undefined): Promise<number> {
  const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials(tls), (error, boundPort) =>
      error === null ? resolve(boundPort) : reject(error),
    );
  });
}

function credentials(tls: TlsServerOptions | undefined): grpc.ServerCredentials {
  if (tls === undefined) return grpc.ServerCredentials.createInsecure();
  const { certificate, privateKey, clientAuthority } = tls;
  const pair = { cert_chain: Buffer.from(certificate), private_key: Buffer.from(privateKey) };
  const authority = clientAuthority === undefined ? null : Buffer.from(clientAuthority);
  return grpc.ServerCredentials.createSsl(authority, [pair], authority !== null);
}

async function drain(server: grpc.Server, shutdown: AbortController, limitMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  await drainWithin({ closed, limitMs, shutdown, destroy: () => server.forceShutdown() });
}
