import type {
  DescMessage,
  DescMethodBiDiStreaming,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { CallOptions, Transport } from "@connectrpc/connect";
import { Code, type StreamResponse } from "@connectrpc/connect";
import { abortError, callEnded, plainError, toClientError } from "./errors.ts";
import { only } from "./only.ts";

/** What a service looks like to its callers: a function for each rpc. */
export type Client<S extends DescService> = {
  readonly [P in keyof S["method"]]: S["method"][P] extends DescMethodUnary<infer I, infer O>
    ? (request: MessageInitShape<I>, options?: CallOptions) => Promise<MessageShape<O>>
    : S["method"][P] extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageInitShape<I>, options?: CallOptions) => ResponseStream<MessageShape<O>>
      : S["method"][P] extends DescMethodClientStreaming<infer I, infer O>
        ? (requests: AsyncIterable<MessageInitShape<I>>, options?: CallOptions) => Promise<MessageShape<O>>
        : S["method"][P] extends DescMethodBiDiStreaming<infer I, infer O>
          ? (requests: AsyncIterable<MessageInitShape<I>>, options?: CallOptions) => ResponseStream<MessageShape<O>>
          : never;
};

/**
 * The messages of one call. The call begins with the first read, and whoever stops reading ends it: `break`, `return` and `throw` in a
 * `for await` cancel it at once. Read by one reader, once.
 */
export interface ResponseStream<T> extends AsyncIterableIterator<T, undefined> {
  /** Cancels the call, if it has not ended. */
  return(): Promise<IteratorResult<T, undefined>>;
}

/**
 * A client over any transport. Unlike Connect's own, a stream that is left is cancelled, and every error is of one kind (toClientError):
 * a ConnectError with a reason, whose text is for users.
 */
export function createClient<S extends DescService>(service: S, transport: Transport): Client<S> {
  const client: Record<string, unknown> = {};
  for (const method of service.methods as (DescMethodUnary | DescMethodStreaming)[]) {
    switch (method.methodKind) {
      case "unary":
        client[method.localName] = (request: never, options?: CallOptions) =>
          callUnary(transport, method, request, options);
        break;
      case "server_streaming":
        client[method.localName] = (request: never, options?: CallOptions) =>
          new ResponseReader(
            transport,
            method,
            only(() => request),
            options,
          );
        break;
      case "client_streaming":
        client[method.localName] = (requests: AsyncIterable<never>, options?: CallOptions) =>
          readOne(new ResponseReader(transport, method, requests, options));
        break;
      case "bidi_streaming":
        client[method.localName] = (requests: AsyncIterable<never>, options?: CallOptions) =>
          new ResponseReader(transport, method, requests, options);
        break;
    }
  }
  return client as Client<S>;
}

async function callUnary(transport: Transport, method: DescMethodUnary, request: never, options: CallOptions = {}) {
  const { signal, timeoutMs, headers, contextValues, onHeader, onTrailer } = options;
  if (signal?.aborted === true) throw abortError(signal);
  try {
    const { header, trailer, message } = await transport.unary(
      method,
      signal,
      timeoutMs,
      headers,
      request,
      contextValues,
    );
    onHeader?.(header);
    onTrailer?.(trailer);
    return message;
  } catch (error) {
    throw toClientError(error, signal);
  }
}

/**
 * Reads one call: new -> opening (the first read waits for headers) -> open -> ended.
 * `return()` aborts the call in any state, and does not wait for a read that is pending.
 */
class ResponseReader implements ResponseStream<unknown> {
  readonly #controller = new AbortController();
  readonly #open: () => Promise<StreamResponse>;
  readonly #options: CallOptions;
  #response: StreamResponse | undefined;
  #messages: Promise<AsyncIterator<unknown>> | undefined;
  #ended = false;

  constructor(
    transport: Transport,
    method: DescMethodStreaming,
    requests: AsyncIterable<MessageInitShape<DescMessage>>,
    options: CallOptions = {},
  ) {
    this.#options = options;
    const { timeoutMs, headers, contextValues } = options;
    this.#open = () => transport.stream(method, this.#controller.signal, timeoutMs, headers, requests, contextValues);
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  async next(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#ended) return { done: true, value: undefined };
    try {
      this.#messages ??= this.#start();
      const messages = await this.#messages;
      const result = await messages.next();
      if (result.done !== true) return result;
      this.#end({ isRead: true });
      this.#options.onTrailer?.(this.#response!.trailer);
      return { done: true, value: undefined };
    } catch (error) {
      const left = this.#ended;
      this.#end();
      if (left) return { done: true, value: undefined };
      throw toClientError(error, this.#options.signal);
    }
  }

  async return(): Promise<IteratorResult<unknown, undefined>> {
    this.#end();
    return { done: true, value: undefined };
  }

  async throw(error: unknown): Promise<IteratorResult<unknown, undefined>> {
    this.#end();
    throw error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
  }

  async #start(): Promise<AsyncIterator<unknown>> {
    const { signal, onHeader } = this.#options;
    if (signal?.aborted === true) throw abortError(signal);
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    this.#response = await this.#open();
    onHeader?.(this.#response.header);
    return this.#response.message[Symbol.asyncIterator]();
  }

  readonly #onAbort = () => {
    this.#controller.abort(this.#options.signal?.reason);
    // Whoever reads is told by the next read, but nobody may be reading any more.
    this.#stopDeadline();
  };

  /** The `finally` of the call: whatever it still holds, here or at the server, is let go. Of one that was read to its end that is nothing. */
  #end({ isRead = false } = {}): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    if (isRead) return;
    this.#controller.abort(callEnded);
    this.#stopDeadline();
  }

  /** Connect stops a call's deadline timer when it is read to its end or read once more after an abort, and not before. */
  #stopDeadline(): void {
    void this.#messages?.then((messages) => messages.next()).catch(() => undefined);
  }
}

async function readOne(reader: ResponseReader): Promise<unknown> {
  try {
    const first = await reader.next();
    if (first.done === true) throw plainError(Code.Internal);
    await reader.next();
    return first.value;
  } finally {
    await reader.return();
  }
}
