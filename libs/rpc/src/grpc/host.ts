import type { EventEmitter } from "node:events";
import type { DescMethodStreaming, DescMethodUnary, Message } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type * as grpc from "@grpc/grpc-js";
import { CallContext } from "../call-context.ts";
import type { Deadlines } from "../deadline.ts";
import { abortError, plainError, toServerError } from "../errors.ts";
import { type Invocable, invokeStream, invokeUnary } from "../invoke.ts";
import { only } from "../only.ts";
import { decodeRequest, encode } from "./codec.ts";
import { toHeaders, toMetadata } from "./metadata.ts";
import { toStatus } from "./status.ts";

export interface HostOptions {
  readonly deadlines: Deadlines;
  readonly writeMaxBytes: number;
  readonly shutdownSignal: AbortSignal;
}

type AnyCall = grpc.ServerUnaryCall<Buffer, Buffer> | ReadableCall | WritableCall | DuplexCall;
type WritableCall = grpc.ServerWritableStream<Buffer, Buffer>;
type ReadableCall = grpc.ServerReadableStream<Buffer, Buffer>;
type DuplexCall = grpc.ServerDuplexStream<Buffer, Buffer>;

/** The function that grpc-js calls for one rpc, of whichever kind. */
export function hostMethod(
  { method, handler, chain }: Invocable<DescMethodUnary | DescMethodStreaming>,
  options: HostOptions,
): grpc.UntypedHandleCall {
  switch (method.methodKind) {
    case "unary":
      return hostUnary({ method, handler, chain }, options);
    case "server_streaming":
      return (call: WritableCall) =>
        void respond(
          call,
          { method, handler, chain },
          options,
          only(() => decodeRequest(method.input, call.request)),
        );
    case "bidi_streaming":
      return (call: DuplexCall) => void respond(call, { method, handler, chain }, options, requests(method, call));
    case "client_streaming":
      return hostClientStreaming({ method, handler, chain }, options);
  }
}

function hostUnary(rpc: Invocable<DescMethodUnary>, options: HostOptions): grpc.handleUnaryCall<Buffer, Buffer> {
  const { input, output } = rpc.method;
  return (call, callback) => {
    const context = openContext(call, rpc, options);
    reply(call, callback, context, async () => {
      const { message, header, trailer } = await invokeUnary(rpc, context, decodeRequest(input, call.request));
      return { bytes: encode(output, message, "response", options.writeMaxBytes), header, trailer };
    });
  };
}

function hostClientStreaming(
  rpc: Invocable<DescMethodStreaming>,
  options: HostOptions,
): grpc.handleClientStreamingCall<Buffer, Buffer> {
  return (call, callback) => {
    const context = openContext(call, rpc, options);
    reply(call, callback, context, async () => {
      const { message: messages, header, trailer } = await invokeStream(rpc, context, requests(rpc.method, call));
      for await (const message of messages) {
        return { bytes: encode(rpc.method.output, message, "response", options.writeMaxBytes), header, trailer };
      }
      throw plainError(Code.Internal);
    });
  };
}

type Reply = { readonly bytes: Buffer; readonly header: Headers; readonly trailer: Headers };

/** Sends the one message of a call, or its error. */
function reply(
  call: grpc.ServerUnaryCall<Buffer, Buffer> | ReadableCall,
  callback: grpc.sendUnaryData<Buffer>,
  context: CallContext,
  answer: () => Promise<Reply>,
): void {
  answer()
    .then(({ bytes, header, trailer }) => {
      const [head, tail] = [toMetadata(header), toMetadata(trailer)];
      call.sendMetadata(head);
      callback(null, bytes, tail);
    })
    .catch((error: unknown) => callback(statusOf(error, context)))
    .finally(() => context.close());
}

/** Runs an rpc whose server streams, at the pace of its reader. */
async function respond(
  call: WritableCall | DuplexCall,
  rpc: Invocable<DescMethodStreaming>,
  options: HostOptions,
  messages: AsyncIterable<Message>,
): Promise<void> {
  const context = openContext(call, rpc, options);
  let headerSent = false;
  const sendHeader = (header: Headers) => {
    if (!headerSent) call.sendMetadata(toMetadata(header));
    headerSent = true;
  };
  try {
    const response = await invokeStream(rpc, context, messages);
    for await (const message of response.message) {
      sendHeader(response.header);
      const flowing = call.write(encode(rpc.method.output, message, "response", options.writeMaxBytes));
      if (!flowing) await drained(call, context.signal);
    }
    sendHeader(response.header);
    call.end(toMetadata(response.trailer));
  } catch (error) {
    call.emit("error", statusOf(error, context, headerSent));
  } finally {
    context.close();
  }
}

function openContext(
  call: AnyCall,
  { method }: Invocable<DescMethodUnary | DescMethodStreaming>,
  options: HostOptions,
): CallContext {
  const deadline = Number(call.getDeadline());
  const requestedMs = deadline === Infinity ? undefined : deadline - Date.now();
  const context = new CallContext({
    method,
    url: `http://${call.getHost()}${call.getPath()}`,
    protocolName: "grpc",
    requestHeader: toHeaders(call.metadata),
    timeoutMs: options.deadlines.complete(requestedMs, method),
    shutdownSignal: options.shutdownSignal,
  });
  // grpc-js enforces the caller's deadline itself as well, and then says no more than "cancelled"; it also says so after the end.
  (call as EventEmitter).once("cancelled", () => {
    if (context.signal.aborted) return;
    context.abort(plainError(Date.now() >= deadline ? Code.DeadlineExceeded : Code.Canceled));
  });
  return context;
}

/** An error as grpc-js sends it. Without a header sent before, it goes out with what the header would have held. */
function statusOf(
  error: unknown,
  { responseHeader, responseTrailer, signal }: CallContext,
  headerSent = false,
): grpc.StatusObject {
  const mapped = toServerError(error, signal);
  try {
    return toStatus(mapped, ...(headerSent ? [] : [responseHeader]), responseTrailer);
  } catch (unsendable) {
    return toStatus(plainError(Code.Internal, unsendable));
  }
}

/** Resolves when the call takes more; rejects when nobody will. A cancelled grpc-js call never drains. */
function drained(call: WritableCall | DuplexCall, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      call.removeListener("drain", onDrain);
      reject(abortError(signal));
    };
    const onDrain = () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    };
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    call.once("drain", onDrain);
  });
}

async function* requests({ input }: DescMethodStreaming, call: ReadableCall | DuplexCall): AsyncGenerator<Message> {
  for await (const bytes of call.iterator({ destroyOnReturn: false })) yield decodeRequest(input, bytes as Buffer);
}
