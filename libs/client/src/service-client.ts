import type { DescMethodStreaming, DescMethodUnary, DescService } from "@bufbuild/protobuf";
import { type CallOptions, type Client, createClient, makeAnyClient, type Transport } from "@connectrpc/connect";
import type { StreamAnswerQuestionResponse } from "@quartet/contracts/gateway/v1/answer_service";
import type { StreamSearchPassagesResponse } from "@quartet/contracts/gateway/v1/search_service";
import { QuartetError } from "./quartet-error.ts";
import { toQuartetError } from "./to-quartet-error.ts";

/** Headers for every call; a function is asked anew for each, so that a token may change. */
export type CallHeaders =
  | Readonly<Record<string, string>>
  | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>);

export interface CallDefaults {
  readonly timeoutMs: number;
  readonly headers: CallHeaders | undefined;
}

/** Streams that must end with a certain event: whether an event is that one. Without it, what came is a fragment. */
const lastEvents: ReadonlyMap<string, (event: unknown) => boolean> = new Map([
  [
    "quartet.gateway.v1.AnswerService.StreamAnswerQuestion",
    (event: unknown) => (event as StreamAnswerQuestionResponse).event.case === "answer",
  ],
  [
    "quartet.gateway.v1.SearchService.StreamSearchPassages",
    (event: unknown) => (event as StreamSearchPassagesResponse).last,
  ],
]);

/** Streams that go as fast as they are read: the server's own, longer deadline holds, unless a call names one. */
const atReadersPace: ReadonlySet<string> = new Set(["quartet.gateway.v1.SearchService.StreamSearchPassages"]);

type Unary = (request: unknown, options: CallOptions) => Promise<unknown>;
type Streaming = (request: unknown, options: CallOptions) => AsyncIterable<unknown>;

/**
 * A client of one service, with Connect's types and three promises more: every call has a deadline; every failure is a QuartetError; a
 * stream that is left early, by `break` or by an error, is aborted, so that the server stops working on it.
 *
 * @throws {TypeError} at once, for a service with an rpc that streams requests: browsers could not call it
 */
export function createServiceClient<S extends DescService>(
  service: S,
  transport: Transport,
  defaults: CallDefaults,
): Client<S> {
  const plain = createClient(service, transport) as Record<string, unknown>;
  return makeAnyClient(service, (method) => {
    const call = plain[method.localName];
    switch (method.methodKind) {
      case "unary":
        return unary(call as Unary, defaults);
      case "server_streaming":
        return serverStreaming(method, call as Streaming, defaults);
      case "client_streaming":
      case "bidi_streaming":
        throw new TypeError(`${nameOf(method)} streams requests, which this client does not offer.`);
    }
  }) as Client<S>;
}

function unary(call: Unary, defaults: CallDefaults): Unary {
  return async (request, options = {}) => {
    try {
      return await call(request, await complete(options, defaults));
    } catch (error) {
      throw toQuartetError(error, options.signal);
    }
  };
}

function serverStreaming(
  method: DescMethodStreaming,
  call: Streaming,
  defaults: CallDefaults,
): (request: unknown, options?: CallOptions) => AsyncGenerator<unknown, void, undefined> {
  const isLast = lastEvents.get(nameOf(method));
  const own = atReadersPace.has(nameOf(method)) ? { ...defaults, timeoutMs: 0 } : defaults;
  return async function* (request, options = {}) {
    const abandoned = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, abandoned.signal]) : abandoned.signal;
    const events = call(request, { ...(await complete(options, own)), signal })[Symbol.asyncIterator]();
    let whole = isLast === undefined;
    try {
      for (let next = await events.next(); !next.done; next = await events.next()) {
        if (isLast?.(next.value)) whole = true;
        yield next.value;
      }
    } catch (error) {
      throw toQuartetError(error, options.signal);
    } finally {
      abandoned.abort();
      // Connect stops the clock of a call's deadline only when the stream is read once more; else it holds the process until then.
      events.next().catch(() => undefined);
    }
    if (!whole) {
      const message = "The stream ended before it was complete. Ask again.";
      throw new QuartetError({ code: "unavailable", reason: "STREAM_TRUNCATED", message });
    }
  };
}

async function complete(options: CallOptions, { timeoutMs, headers }: CallDefaults): Promise<CallOptions> {
  const merged = new Headers(typeof headers === "function" ? await headers() : headers);
  new Headers(options.headers).forEach((value, name) => merged.set(name, value));
  return { timeoutMs, ...options, headers: merged };
}

const nameOf = (method: DescMethodUnary | DescMethodStreaming): string => `${method.parent.typeName}.${method.name}`;
