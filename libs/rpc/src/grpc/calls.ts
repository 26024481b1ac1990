import type { EventEmitter } from "node:events";
import type { DescMethod, Message } from "@bufbuild/protobuf";
import type { StreamRequest, StreamResponse, UnaryRequest, UnaryResponse } from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";
import { abortError } from "../errors.ts";
import { decodeResponse, encode, methodDefinition } from "./codec.ts";
import { addTo, toHeaders, toMetadata } from "./metadata.ts";
import { readReplies, type TakeNext } from "./replies.ts";
import { fromStatus } from "./status.ts";

export interface Wire {
  readonly client: grpc.Client;
  readonly writeMaxBytes: number;
}

/** One unary call over grpc-js. `deadline` is in milliseconds since the epoch. */
export async function callUnary(
  { client, writeMaxBytes }: Wire,
  { method, service, signal, header: requestHeader, message: request }: UnaryRequest,
  deadline: number,
): Promise<UnaryResponse> {
  if (signal.aborted) throw abortError(signal);
  const { path, requestSerialize, responseDeserialize } = methodDefinition(method);
  const bytes = encode(method.input, request, "request", writeMaxBytes);
  let reply: Buffer | undefined;
  const metadata = toMetadata(requestHeader);
  const call = withoutStack(() =>
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      bytes,
      metadata,
      { deadline },
      (_error, value) => (reply = value),
    ),
  );
  const { header, status } = await follow(call, signal).ended;
  if (status.code !== grpc.status.OK || reply === undefined) throw fromStatus(status, header);
  const message = decodeResponse(method.output, reply);
  return { stream: false, service, method, header, trailer: toHeaders(status.metadata), message };
}

/** One streaming call of any kind over grpc-js. Resolves with the response's headers; trailers are there at the end. */
export async function callStream(wire: Wire, request: StreamRequest, deadline: number): Promise<StreamResponse> {
  const { method, service, signal } = request;
  if (signal.aborted) throw abortError(signal);
  const { call, replies, failure } = await open(wire, request, deadline);
  const { headed, ended } = follow(call, signal);
  const header = await headed;
  const trailer = new Headers();
  const finish = async () => {
    const { status } = await ended;
    if (failure.error !== undefined) throw failure.error;
    if (status.code !== grpc.status.OK) throw fromStatus(status, header);
    addTo(trailer, status.metadata);
  };
  return { stream: true, service, method, header, trailer, message: decoded(method, replies(ended), finish) };
}

/** Starts a call without the stack that grpc-js keeps of each for its errors, which nobody sees (see follow): it costs more than a message. */
function withoutStack<T>(start: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return start();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

type Call = grpc.ClientUnaryCall | grpc.ClientReadableStream<Buffer> | grpc.ClientWritableStream<Buffer>;
type End = { readonly header: Headers; readonly status: grpc.StatusObject };

/** Cancels the call when the signal is aborted, and gathers what comes beside messages. */
function follow(call: Call, signal: AbortSignal): { headed: Promise<Headers>; ended: Promise<End> } {
  const { promise: headed, resolve: onHeader } = Promise.withResolvers<Headers>();
  const { promise: ended, resolve: onEnd } = Promise.withResolvers<End>();
  let header = new Headers();
  // grpc-js tells a failure twice; the status has the code, the text and the details.
  (call as EventEmitter).on("error", () => undefined);
  const cancel = () => call.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  call.once("metadata", (metadata: grpc.Metadata) => onHeader((header = toHeaders(metadata))));
  call.once("status", (status: grpc.StatusObject) => {
    signal.removeEventListener("abort", cancel);
    onHeader(header);
    onEnd({ header, status });
  });
  return { headed, ended };
}

interface OpenStream {
  readonly call: grpc.ClientReadableStream<Buffer> | grpc.ClientWritableStream<Buffer>;
  /** The encoded responses, until the call has ended; whether well is told by its status. */
  readonly replies: (ended: Promise<unknown>) => TakeNext<Buffer>;
  /** Why the requests could not be sent to their end. */
  readonly failure: { error?: unknown };
}

async function open({ client, writeMaxBytes }: Wire, request: StreamRequest, deadline: number): Promise<OpenStream> {
  const { method, header } = request;
  const { path, requestSerialize, responseDeserialize } = methodDefinition(method);
  const metadata = toMetadata(header);
  const encodeRequest = (message: Message) => encode(method.input, message, "request", writeMaxBytes);
  const failure: OpenStream["failure"] = {};
  if (method.methodKind === "server_streaming") {
    const { value } = await request.message[Symbol.asyncIterator]().next();
    const bytes = encodeRequest(value as Message);
    const call = withoutStack(() =>
      client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, bytes, metadata, { deadline }),
    );
    return { call, replies: () => readReplies(call), failure };
  }
  if (method.methodKind === "bidi_streaming") {
    const call = withoutStack(() =>
      client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, { deadline }),
    );
    void send(call, request.message, encodeRequest, failure);
    return { call, replies: () => readReplies(call), failure };
  }
  let reply: Buffer | undefined;
  const call = withoutStack(() =>
    client.makeClientStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      metadata,
      { deadline },
      (_error, value) => (reply = value),
    ),
  );
  void send(call, request.message, encodeRequest, failure);
  return {
    call,
    replies: (ended) => async () => {
      await ended;
      const last = reply;
      reply = undefined;
      return last;
    },
    failure,
  };
}

/** Sends the requests at the pace the call takes them; a failure of their source ends the call. */
async function send(
  call: grpc.ClientWritableStream<Buffer>,
  messages: AsyncIterable<Message>,
  encodeRequest: (message: Message) => Buffer,
  failure: { error?: unknown },
): Promise<void> {
  let ended = false;
  const { promise: over, resolve } = Promise.withResolvers<void>();
  call.once("status", () => {
    ended = true;
    resolve();
  });
  try {
    for await (const message of messages) {
      if (ended) return;
      if (!call.write(encodeRequest(message))) {
        const flowing = Promise.withResolvers<void>();
        call.once("drain", flowing.resolve);
        await Promise.race([flowing.promise, over]);
        call.removeListener("drain", flowing.resolve);
      }
    }
    call.end();
  } catch (error) {
    if (ended) return;
    failure.error = error;
    call.cancel();
  }
}

/** The responses, and behind them what `finish` throws. */
function decoded(
  { output }: DescMethod,
  takeNext: TakeNext<Buffer>,
  finish: () => Promise<void>,
): AsyncIterable<Message> {
  let isOver = false;
  const next = async (): Promise<IteratorResult<Message, undefined>> => {
    const bytes = isOver ? undefined : await takeNext();
    if (bytes !== undefined) return { done: false, value: decodeResponse(output, bytes) };
    if (!isOver) {
      isOver = true;
      await finish();
    }
    return { done: true, value: undefined };
  };
  return { [Symbol.asyncIterator]: () => ({ next }) };
}
