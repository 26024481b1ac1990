import type { DescMethod } from "@bufbuild/protobuf";
import {
  type CallOptions,
  createContextValues,
  type Interceptor,
  type StreamRequest,
  type Transport,
  type UnaryRequest,
} from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";
import type { Metrics } from "@quartet/telemetry";
import { createClientChain } from "../client-chain.ts";
import { createDeadlines, type DeadlineOptions } from "../deadline.ts";
import type { TlsClientOptions } from "../tls.ts";
import { runStreaming } from "../run-streaming.ts";
import { runUnary } from "../run-unary.ts";
import { callStream, callUnary, type Wire } from "./calls.ts";
import { grpcTarget } from "./target.ts";

export interface GrpcTransportOptions extends DeadlineOptions {
  /** `host:port` or a grpc-js target such as `dns:///retrieval:50051`; or several addresses `ip:port`, used in turn (round_robin). */
  readonly target: string | readonly string[];
  /** The largest response message, compressed or not. Default: 4 MiB. */
  readonly readMaxBytes?: number;
  /** The largest request message. Default: 4 MiB. */
  readonly writeMaxBytes?: number;
  /** Whether requests are compressed. Default: `none`; inside one data centre gzip costs more than it saves. */
  readonly compression?: "none" | "gzip";
  /** How often a connection with calls on it is pinged. Default: 20,000. A peer that does not answer within 5 s is gone. */
  readonly keepaliveTimeMs?: number;
  /** Without it, connections are clear text. */
  readonly tls?: TlsClientOptions;
  /** Around every call, outside of Quartet's own. Default: none. */
  readonly interceptors?: readonly Interceptor[];
  /** Where calls are counted and timed. Default: nowhere. */
  readonly metrics?: Metrics;
}

export type ConnectionState = "idle" | "connecting" | "ready" | "failing" | "closed";

export interface GrpcTransport extends Transport {
  /** As grpc-js sees it now; asking does not connect. */
  state(): ConnectionState;
  /** Closes all connections; calls in flight end with UNAVAILABLE. */
  close(): void;
}

const defaultMaxBytes = 4 * 1024 * 1024;

/** Calls services over grpc-js. One transport per service; it is shared by all callers and closed by its owner. */
export function createGrpcTransport(options: GrpcTransportOptions): GrpcTransport {
  const { interceptors = [], writeMaxBytes = defaultMaxBytes } = options;
  const deadlines = createDeadlines(options);
  const client = new grpc.Client(grpcTarget(options.target), credentials(options.tls), channelOptions(options));
  const chain = [...interceptors, ...createClientChain(options.metrics)];
  const wire: Wire = { client, writeMaxBytes };

  /** The parts of Connect's call options that unary calls and streams share. */
  const prepare = (
    method: DescMethod,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: CallOptions["headers"],
  ) => ({
    call: {
      interceptors: chain,
      timeoutMs: deadlines.complete(timeoutMs, method),
      ...(signal === undefined ? {} : { signal }),
    },
    request: {
      service: method.parent,
      requestMethod: "POST",
      url: `grpc://quartet/${method.parent.typeName}/${method.name}`,
      header: new Headers(header),
    },
  });

  return {
    unary(method, signal, timeoutMs, header, message, contextValues = createContextValues()) {
      const { call, request } = prepare(method, signal, timeoutMs, header);
      const deadline = Date.now() + call.timeoutMs;
      const next = (sent: UnaryRequest) => callUnary(wire, sent, deadline);
      return runUnary({ ...call, request: { ...request, method, contextValues }, message, next }) as Promise<never>;
    },
    stream(method, signal, timeoutMs, header, messages, contextValues = createContextValues()) {
      const { call, request } = prepare(method, signal, timeoutMs, header);
      const deadline = Date.now() + call.timeoutMs;
      const next = (sent: StreamRequest) => callStream(wire, sent, deadline);
      return runStreaming({
        ...call,
        request: { ...request, method, contextValues },
        messages,
        next,
      }) as Promise<never>;
    },
    state: () => stateNames[client.getChannel().getConnectivityState(false)],
    close: () => client.close(),
  };
}

const stateNames: Record<grpc.connectivityState, ConnectionState> = {
  [grpc.connectivityState.IDLE]: "idle",
  [grpc.connectivityState.CONNECTING]: "connecting",
  [grpc.connectivityState.READY]: "ready",
  [grpc.connectivityState.TRANSIENT_FAILURE]: "failing",
  [grpc.connectivityState.SHUTDOWN]: "closed",
};

function channelOptions({ readMaxBytes, compression, keepaliveTimeMs, tls }: GrpcTransportOptions): grpc.ClientOptions {
  return {
    "grpc.max_receive_message_length": readMaxBytes ?? defaultMaxBytes,
    "grpc.max_send_message_length": -1,
    "grpc.keepalive_time_ms": keepaliveTimeMs ?? 20_000,
    "grpc.keepalive_timeout_ms": 5_000,
    "grpc.default_compression_algorithm": compression === "gzip" ? 2 : 0,
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    "grpc.service_config_disable_resolution": 1,
    // Each hop has one owner of retries, and it is not the channel.
    "grpc.enable_retries": 0,
    // A proxy from the environment is for the outside world, never for the next service.
    "grpc.enable_http_proxy": 0,
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_channelz": 0,
    // A pod that comes back should be seen soon: the default goes up to two minutes.
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 3_000,
    ...(tls?.serverName === undefined
      ? {}
      : { "grpc.ssl_target_name_override": tls.serverName, "grpc.default_authority": tls.serverName }),
  };
}

function credentials(tls: TlsClientOptions | undefined): grpc.ChannelCredentials {
  if (tls === undefined) return grpc.credentials.createInsecure();
  const buffer = (pem: string | Buffer | undefined) => (pem === undefined ? null : Buffer.from(pem));
  return grpc.credentials.createSsl(buffer(tls.authority), buffer(tls.privateKey), buffer(tls.certificate));
}
