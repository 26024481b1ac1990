import type { DescMethod, DescMethodStreaming, DescMethodUnary } from "@bufbuild/protobuf";
import {
  type CallOptions,
  Code,
  ConnectError,
  createContextValues,
  type Interceptor,
  type StreamRequest,
  type StreamResponse,
  type Transport,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";
import type { Logger, Metrics } from "@quartet/telemetry";
import { giveWay } from "@quartet/turns";
import type { Authenticate } from "./authentication.ts";
import { CallContext } from "./call-context.ts";
import { createClientChain } from "./client-chain.ts";
import { createDeadlines, type DeadlineOptions } from "./deadline.ts";
import { abortError, plainError } from "./errors.ts";
import { type AnyHandler, guard } from "./guard.ts";
import type { Routes } from "./handler.ts";
import { type Invocable, invokeStream, invokeUnary } from "./invoke.ts";
import { runStreaming } from "./run-streaming.ts";
import { runUnary } from "./run-unary.ts";
import { createServerChain, type ServerChainOptions } from "./server-chain.ts";
import { watchStream } from "./watch-stream.ts";

export interface InMemoryTransportOptions extends DeadlineOptions {
  /** Whether requests are checked against the contract. Default: false; the border has done it. */
  readonly validate?: boolean;
  /** Who calls, as on a server. Default: `trusted`. The gateway's own HTTP routes are `edge`. */
  readonly callers?: ServerChainOptions["callers"];
  /** Finds out who calls an `edge`. Default: everyone is the default tenant. */
  readonly authenticate?: Authenticate;
  /** Around every call, outside of Quartet's own. Default: none. */
  readonly interceptors?: readonly Interceptor[];
  readonly logger?: Logger;
  readonly metrics?: Metrics;
}

/**
 * Calls handlers of this process, as a server would: the same chain, deadline, cancellation and errors, without encoding anything.
 * Messages are passed as they are, so neither side may change one it has sent or received.
 */
export function createInMemoryTransport(routes: Routes, options: InMemoryTransportOptions = {}): Transport {
  const { callers = "trusted", authenticate, validate = false, interceptors = [], logger, metrics } = options;
  const deadlines = createDeadlines(options);
  const chain = createServerChain({ callers, authenticate, validate, logger, metrics });
  const handlers = new Map<DescMethod, AnyHandler>();
  routes((service, implementation) => {
    chain.prepare(service);
    const guarded = guard(service, implementation) as Record<string, AnyHandler | undefined>;
    for (const method of service.methods) {
      const handler = guarded[method.localName];
      if (handler !== undefined) handlers.set(method, handler);
    }
  });

  const find = <M extends DescMethodUnary | DescMethodStreaming>(method: M): Invocable<M> => {
    const handler = handlers.get(method);
    if (handler === undefined) throw plainError(Code.Unimplemented);
    return { method, handler, chain: chain.interceptors };
  };
  const clientChain = [...interceptors, ...createClientChain()];
  const prepare = (
    method: DescMethod,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: CallOptions["headers"],
  ) => ({
    call: {
      interceptors: clientChain,
      timeoutMs: deadlines.complete(timeoutMs, method),
      ...(signal === undefined ? {} : { signal }),
    },
    request: { service: method.parent, requestMethod: "POST", url: urlOf(method), header: new Headers(header) },
  });

  return {
    unary(method, signal, timeoutMs, header, message, contextValues = createContextValues()) {
      const { call, request } = prepare(method, signal, timeoutMs, header);
      const next = async (sent: UnaryRequest) => await answer(find(method), sent, call.timeoutMs);
      return runUnary({ ...call, request: { ...request, method, contextValues }, message, next }) as Promise<never>;
    },
    stream(method, signal, timeoutMs, header, messages, contextValues = createContextValues()) {
      const { call, request } = prepare(method, signal, timeoutMs, header);
      const next = async (sent: StreamRequest) => await answerStream(find(method), sent, call.timeoutMs);
      return runStreaming({
        ...call,
        request: { ...request, method, contextValues },
        messages,
        next,
      }) as Promise<never>;
    },
  };
}

const urls = new WeakMap<DescMethod, string>();

function urlOf(method: DescMethod): string {
  let url = urls.get(method);
  if (url === undefined) urls.set(method, (url = `memory://quartet/${method.parent.typeName}/${method.name}`));
  return url;
}

async function answer(
  rpc: Invocable<DescMethodUnary>,
  request: UnaryRequest,
  timeoutMs: number,
): Promise<UnaryResponse> {
  // Over a wire each call begins a turn of its own; here all of a question's hops would be one.
  await giveWay();
  const call = open(rpc.method, request, timeoutMs);
  try {
    return await invokeUnary(rpc, call.context, request.message);
  } catch (error) {
    throw detach(error, call.context);
  } finally {
    call.close();
  }
}

async function answerStream(
  rpc: Invocable<DescMethodStreaming>,
  request: StreamRequest,
  timeoutMs: number,
): Promise<StreamResponse> {
  await giveWay();
  const call = open(rpc.method, request, timeoutMs);
  const failed = (error: unknown) => {
    const detached = detach(error, call.context);
    call.close();
    return detached;
  };
  try {
    const response = await invokeStream(rpc, call.context, request.message);
    const messages = response.message[Symbol.asyncIterator]();
    // As over a wire: headers come with the first message, so that the handler can set them.
    const message = resume(await messages.next(), messages);
    return { ...response, message: watchStream(message, { ended: call.close, failed, left: call.close }) };
  } catch (error) {
    throw failed(error);
  }
}

/** The iterator's messages, with the one that has been read already. */
function resume<T>(first: IteratorResult<T>, rest: AsyncIterator<T>): AsyncIterable<T> {
  let read: IteratorResult<T> | undefined = first;
  return {
    [Symbol.asyncIterator]: () => ({
      next() {
        const result = read === undefined ? rest.next() : Promise.resolve(read);
        read = undefined;
        return result;
      },
      return: () => rest.return?.() ?? Promise.resolve({ done: true, value: undefined }),
    }),
  };
}

/** The server's side of a call: its context follows the client's signal. */
function open(method: DescMethod, { signal, header, url }: UnaryRequest | StreamRequest, timeoutMs: number) {
  const context = new CallContext({ method, url, protocolName: "memory", requestHeader: header, timeoutMs });
  const onAbort = () => context.abort(abortError(signal));
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  const close = () => {
    signal.removeEventListener("abort", onAbort);
    context.close();
  };
  return { context, close };
}

/** The error as it would come over a wire: no cause, no stack of the server, headers and trailers as metadata. */
function detach(error: unknown, { responseHeader, responseTrailer }: CallContext): ConnectError {
  const { rawMessage, code, metadata, details } =
    error instanceof ConnectError ? error : plainError(Code.Internal, error);
  const detached = new ConnectError(rawMessage, code, responseHeader);
  for (const headers of [responseTrailer, metadata]) headers.forEach((value, key) => detached.metadata.set(key, value));
  detached.details = details;
  detached.isWireError = true;
  return detached;
}
