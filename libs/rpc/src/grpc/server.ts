import type { DescService } from "@bufbuild/protobuf";
import { Code, type Interceptor, type ServiceImpl } from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";
import { quartetError } from "@quartet/errors";
import type { Logger, Metrics } from "@quartet/telemetry";
import { createDeadlines, type DeadlineOptions } from "../deadline.ts";
import { type AnyHandler, guard } from "../guard.ts";
import type { Routes } from "../handler.ts";
import { createServerChain, type ServerChainOptions } from "../server-chain.ts";
import { isLoopback } from "../loopback.ts";
import { serviceDefinition } from "./codec.ts";
import { hostMethod } from "./host.ts";

export interface TlsServerOptions {
  /** PEM. */
  readonly certificate: string | Buffer;
  /** PEM. */
  readonly privateKey: string | Buffer;
  /** PEM. When given, callers must show a certificate that this authority has signed (mTLS). */
  readonly clientAuthority?: string | Buffer;
}

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
  /** Opens the port (0: any free one), and says which it is. Default host: 127.0.0.1. */
  listen(address: { port: number; host?: string }): Promise<{ port: number }>;
  /**
   * Ends in order: takes no new calls, lets running ones finish, ends what is left with UNAVAILABLE (DRAINING) shortly before the
   * limit, and closes every connection at the limit. Calling it again waits for the same end.
   */
  drain(options: { limitMs: number }): Promise<void>;
}

const defaultMaxBytes = 4 * 1024 * 1024;
/** How long calls have, once told that the process goes down, to send their last words. */
const lastWordsMs = 500;

/** Hosts Connect handlers on grpc-js: the inner services' server. */
export function createRpcServer(options: RpcServerOptions = {}): RpcServer {
  const { callers = "trusted", validate = true, trustNetwork = false, tls, logger, metrics } = options;
  const shutdown = new AbortController();
  const server = new grpc.Server(channelOptions(options));
  const chain: Interceptor[] = createServerChain({ callers, validate, logger, metrics });
  const hostOptions = {
    deadlines: createDeadlines(options),
    writeMaxBytes: options.writeMaxBytes ?? defaultMaxBytes,
    shutdownSignal: shutdown.signal,
  };
  let drained: Promise<void> | undefined;

  const rpcServer: RpcServer = {
    add(service, handlers) {
      const guarded = guard(service, handlers) as Record<string, AnyHandler | undefined>;
      const implementation: grpc.UntypedServiceImplementation = {};
      for (const method of service.methods) {
        const handler = guarded[method.localName];
        if (handler !== undefined)
          implementation[method.localName] = hostMethod({ method, handler, chain }, hostOptions);
      }
      server.addService(serviceDefinition(service), implementation);
      return rpcServer;
    },
    mount(routes) {
      routes((service, handlers) => rpcServer.add(service, handlers));
      return rpcServer;
    },
    async listen({ port, host = "127.0.0.1" }) {
      if (callers === "trusted" && !trustNetwork && tls?.clientAuthority === undefined && !isLoopback(host)) {
        throw new Error(`Refusing to trust callers on ${host} without mTLS: set tls.clientAuthority, or trustNetwork.`);
      }
      return { port: await bind(server, host, port, tls) };
    },
    drain({ limitMs }) {
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
  const closed = new Promise<boolean>((resolve) => server.tryShutdown(() => resolve(true)));
  const lastWords = Math.min(lastWordsMs, limitMs / 2);
  if (await within(closed, limitMs - lastWords)) return;
  shutdown.abort(
    quartetError({
      code: Code.Unavailable,
      reason: "DRAINING",
      message: "This process is going down; ask again, another one will answer.",
      retryDelayMs: 1000,
    }),
  );
  if (!(await within(closed, lastWords))) server.forceShutdown();
}

/** Whether it is done within the limit. */
async function within(done: Promise<boolean>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(resolve, limitMs, false)));
  try {
    return await Promise.race([done, late]);
  } finally {
    clearTimeout(timer);
  }
}
