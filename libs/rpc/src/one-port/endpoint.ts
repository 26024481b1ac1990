import type { DescMethod } from "@bufbuild/protobuf";
import type { ConnectError, HandlerContext } from "@connectrpc/connect";
import type { HttpRequest, HttpResponse } from "./http.ts";

/** A call of an endpoint: who calls is known, and nothing of the body has been read. */
export interface EndpointCall {
  readonly request: HttpRequest;
  readonly response: HttpResponse;
  /** As a handler of an rpc gets it. The signal follows the deadline, the caller, its pace of reading, and the process. */
  readonly context: HandlerContext;
  /**
   * The whole body.
   *
   * @throws {ConnectError} MESSAGE_TOO_LARGE when it is longer, as soon as that is known
   */
  readBody(options: { readonly maxBytes: number }): Promise<Buffer>;
  /** Sends a part of the response, and waits where its reader is behind. */
  write(part: string | Uint8Array): Promise<void>;
  /** Ends the response, with a last part where there is one. */
  end(last?: string | Uint8Array): Promise<void>;
}

/** How an endpoint that failed is to answer. */
export interface EndpointFailure {
  readonly error: ConnectError;
  /** The HTTP status of the error; too late where the head has been sent. */
  readonly status: number;
}

/**
 * A path of plain HTTP that is as good as an rpc: the same sign-in before a byte of the body is read, request id, deadline, limits, metrics
 * (service `http`) and log.
 */
export interface HttpEndpoint {
  readonly path: string;
  readonly verb: "GET" | "POST";
  /** The rpc that may be called by whoever may call this. */
  readonly like: DescMethod;
  /** Whether this request at the path is the endpoint's; others go where they would go without it. Default: all are. */
  readonly accepts?: (request: HttpRequest) => boolean;
  /** Which content types of a body it reads; other bodies are 415. A page of another origin cannot send these without asking first (CORS). */
  readonly consumes?: RegExp;
  /** For calls that name no time of their own. Default: that of the server. */
  readonly defaultTimeoutMs?: number;
  /** The time that a request names in a way of its own; undefined where it names none. Default: `connect-timeout-ms` alone is read. */
  readonly timeoutMsOf?: (request: HttpRequest) => number | undefined;
  /** Answers; resolves when the response has been ended. */
  handle(call: EndpointCall): Promise<void>;
  /** Ends a response whose `handle` failed, or was never called; its head may have been sent before. */
  fail(failure: EndpointFailure, response: HttpResponse): void;
}
