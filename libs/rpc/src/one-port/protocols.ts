import type { DescMethod, DescMethodUnary, DescService } from "@bufbuild/protobuf";
import { createMethodImplSpec, type HandlerContext, type Interceptor, type MethodImplSpec } from "@connectrpc/connect";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import {
  createUniversalMethodHandler,
  type ProtocolHandlerFactory,
  type UniversalHandler,
  type UniversalHandlerOptions,
} from "@connectrpc/connect/protocol";
import { createHandlerFactory as connectFactory } from "@connectrpc/connect/protocol-connect";
import { createHandlerFactory as grpcFactory } from "@connectrpc/connect/protocol-grpc";
import { createHandlerFactory as grpcWebFactory } from "@connectrpc/connect/protocol-grpc-web";
import type { Gate } from "../authentication.ts";
import { type AnyHandler, guard } from "../guard.ts";
import { serveUnary, type ServeUnary } from "./serve-unary.ts";

export interface ProtocolOptions {
  readonly interceptors: readonly Interceptor[];
  /** Runs before anything of a request's body is read. */
  readonly gate: Gate | undefined;
  readonly readMaxBytes: number;
  readonly writeMaxBytes: number;
  readonly shutdownSignal: AbortSignal;
}

export interface ProtocolHandler {
  readonly handler: UniversalHandler;
  /** For ordinary calls of a unary rpc; the handler takes these too. */
  readonly unary: ServeUnary | undefined;
}

/** Speaks Connect, gRPC-Web and gRPC for every handler of a service; which one the content type of a request tells. */
export function createProtocolHandlers(
  service: DescService,
  handlers: object,
  options: ProtocolOptions,
): ProtocolHandler[] {
  const guarded = guard(service, handlers) as Record<string, AnyHandler | undefined>;
  const universalOptions: Partial<UniversalHandlerOptions> = {
    interceptors: [...options.interceptors],
    ...(options.gate && { requestGate: options.gate }),
    readMaxBytes: options.readMaxBytes,
    writeMaxBytes: options.writeMaxBytes,
    shutdownSignal: options.shutdownSignal,
    acceptCompression: [compressionGzip, compressionBrotli],
    jsonOptions: {
      // A misspelt filter that was ignored would widen a search. Binary messages of newer clients are read as protobuf has it.
      ignoreUnknownFields: false,
      // Connect's own decoder turns broken UTF-8 into replacement characters.
      textDecoder: new TextDecoder("utf-8", { fatal: true }),
    } as object,
  };
  const connect = connectFactory(universalOptions);
  const envelope = [grpcWebFactory(universalOptions), grpcFactory(universalOptions)];
  return service.methods.flatMap((method) => {
    const handler = guarded[method.localName];
    if (handler === undefined) return [];
    const spec = createMethodImplSpec(method as never, handler as never) as MethodImplSpec;
    const asStream = spec.kind === "unary" ? unaryAsStream(method, handler) : spec;
    const ofStream = (factory: ProtocolHandlerFactory) =>
      Object.assign(() => factory(asStream), { protocolName: factory.protocolName });
    return [
      {
        handler: createUniversalMethodHandler(spec, [connect, ...envelope.map(ofStream)]),
        unary:
          method.methodKind === "unary"
            ? serveUnary({ ...options, method: method as DescMethodUnary, handler })
            : undefined,
      },
    ];
  });
}

/**
 * A unary rpc as a stream of one. In gRPC and gRPC-Web they are the same on the wire; but Connect decodes the request of a unary rpc before
 * the chain begins, where nothing can say INVALID_ARGUMENT instead of its INTERNAL, nor count the call.
 */
function unaryAsStream(method: DescMethod, handler: AnyHandler): MethodImplSpec {
  async function* impl(request: never, context: HandlerContext) {
    yield await handler(request, context);
  }
  return { kind: "server_streaming", method, impl } as unknown as MethodImplSpec;
}
