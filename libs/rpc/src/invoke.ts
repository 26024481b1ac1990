import {
  create,
  type DescMessage,
  type DescMethodStreaming,
  type DescMethodUnary,
  type Message,
} from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type HandlerContext,
  type Interceptor,
  type StreamRequest,
  type StreamResponse,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";
import type { CallContext } from "./call-context.ts";
import type { AnyHandler } from "./guard.ts";
import { only } from "./only.ts";
import { requestOf, throughChain } from "./through-chain.ts";

/** One rpc with its guarded handler and the chain around it: what the grpc-js host and the in-memory transport run. */
export interface Invocable<M> {
  readonly method: M;
  readonly handler: AnyHandler;
  readonly chain: readonly Interceptor[];
}

/** Runs a unary rpc. */
export function invokeUnary(
  { method, handler, chain }: Invocable<DescMethodUnary>,
  context: CallContext,
  message: Message,
): Promise<UnaryResponse> {
  const run = async (request: UnaryRequest): Promise<UnaryResponse> => {
    const fields = await handler(request.message as never, contextFor(context, request));
    return { ...responseOf(context), stream: false, method, message: toMessage(method.output, fields) };
  };
  return throughChain(chain, run)({ ...requestOf(context), stream: false, method, message });
}

/** Runs an rpc of any streaming kind. Resolves when the handler has been called; its messages are made as they are read. */
export function invokeStream(
  { method, handler, chain }: Invocable<DescMethodStreaming>,
  context: CallContext,
  messages: AsyncIterable<Message>,
): Promise<StreamResponse> {
  const run = async (request: StreamRequest): Promise<StreamResponse> => {
    const input = method.methodKind === "server_streaming" ? await single(request.message) : request.message;
    const output = handler(input as never, contextFor(context, request));
    const message =
      method.methodKind === "client_streaming"
        ? onlyOf(toMessage(method.output, await output))
        : toMessages(method.output, output as AsyncIterable<unknown>);
    return { ...responseOf(context), stream: true, method, message };
  };
  return throughChain(chain, run)({ ...requestOf(context), stream: true, method, message: messages });
}

function responseOf({ service, responseHeader, responseTrailer }: CallContext) {
  return { service, header: responseHeader, trailer: responseTrailer };
}

/** The handler's context: the call's own, unless an interceptor put something else in its place. */
function contextFor(
  context: CallContext,
  { signal, header, contextValues }: UnaryRequest | StreamRequest,
): HandlerContext {
  if (signal === context.signal && header === context.requestHeader && contextValues === context.values) return context;
  const { method, service, url, protocolName, requestMethod, responseHeader, responseTrailer, timeoutMs } = context;
  const own = { method, service, url, protocolName, requestMethod, responseHeader, responseTrailer, timeoutMs };
  return { ...own, signal, requestHeader: header, values: contextValues };
}

function toMessage(type: DescMessage, fields: unknown): Message {
  return create(type, fields as never);
}

function toMessages(type: DescMessage, source: AsyncIterable<unknown>): AsyncIterable<Message> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = source[Symbol.asyncIterator]();
      return {
        next: async () => {
          const result = await iterator.next();
          return result.done === true ? result : { done: false, value: toMessage(type, result.value) };
        },
        return: async () => {
          await iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

const onlyOf = <T>(value: T): AsyncIterable<T> => only(() => value);

async function single<T>(messages: AsyncIterable<T>): Promise<T> {
  const iterator = messages[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) throw new ConnectError("The request has no message.", Code.Unimplemented);
  if ((await iterator.next()).done !== true)
    throw new ConnectError("The request has more than one message.", Code.Unimplemented);
  return first.value;
}
