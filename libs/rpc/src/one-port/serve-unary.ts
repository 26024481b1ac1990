import type { ServerResponse } from "node:http";
import {
  type DescMethodUnary,
  fromBinary,
  fromJsonString,
  type Message,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { type Compression, compressionNegotiate, mergeNonProtocolHeaders } from "@connectrpc/connect/protocol";
import { codeToHttpStatus, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { beginTurn } from "@quartet/turns";
import type { Gate } from "../authentication.ts";
import { CallContext } from "../call-context.ts";
import { malformedRequest, messageTooLarge, plainError, toServerError } from "../errors.ts";
import type { AnyHandler } from "../guard.ts";
import { invokeUnary } from "../invoke.ts";
import { requestIdKey } from "../principal.ts";
import { connectTimeoutHeader, connectTimeoutMs } from "../timeout-headers.ts";
import type { HttpRequest, HttpResponse } from "./http.ts";
import { readBody } from "./request-body.ts";
import { isOpenAtTurnsEnd } from "./respond.ts";

export interface UnaryHostOptions {
  readonly method: DescMethodUnary;
  /** Guarded. */
  readonly handler: AnyHandler;
  readonly interceptors: readonly Interceptor[];
  /** Runs before anything of a request's body is read. */
  readonly gate: Gate | undefined;
  readonly readMaxBytes: number;
  readonly writeMaxBytes: number;
  readonly shutdownSignal: AbortSignal;
}

export interface UnaryServing {
  /** How long the call may take, completed (deadline.ts). */
  readonly timeoutMs: number;
  /** Tells when the reader of the response has stopped reading. */
  readonly watch: (response: HttpResponse, onStall: (error: ConnectError) => void) => void;
  /** A call failed before its chain began, which counts calls. */
  readonly refused: (error: ConnectError) => void;
}

export type ServeUnary = (request: HttpRequest, response: HttpResponse, serving: UnaryServing) => Promise<void>;

/** What goes back: a text or bytes of this type, with everything that is a header of HTTP. */
interface Reply {
  readonly status: number;
  readonly header: Record<string, string>;
  readonly body: string | Uint8Array;
}

const contentType = /^application\/(?:json(?:; ?charset=utf-?8)?|(proto))$/i;
const authority = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;
const compressions = [compressionGzip, compressionBrotli];
/** Of a shorter text packing saves nothing; Connect's own bound. */
const compressMinBytes = 1024;
/** A misspelt filter that was ignored would widen a search. Binary messages of newer clients are read as protobuf has it. */
const jsonReadOptions = { ignoreUnknownFields: false };
const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Whether a request is an ordinary unary call of the Connect protocol, as nearly all are: these are served here, at a third of what Connect's
 * own host costs with its streams of bytes, copies of headers, and two exceptions for each call. Anything else, such as a packed body, a GET, a
 * query string or a deadline that is none, is left to that one.
 */
export function isOrdinaryUnary({ method, url, headers }: HttpRequest): boolean {
  const host = headers[":authority"] ?? headers.host;
  const encoding = headers["content-encoding"];
  return (
    method === "POST" &&
    url?.includes("?") === false &&
    typeof host === "string" &&
    authority.test(host) &&
    contentType.test(headers["content-type"] ?? "") &&
    (encoding === undefined || encoding === "identity") &&
    !Number.isNaN(connectTimeoutMs(headers[connectTimeoutHeader]))
  );
}

/** Serves ordinary unary calls (`isOrdinaryUnary`) of one rpc, as Connect's own host does, with Quartet's errors. */
export function serveUnary({
  method,
  handler,
  interceptors,
  gate,
  readMaxBytes,
  writeMaxBytes,
  shutdownSignal,
}: UnaryHostOptions): ServeUnary {
  const rpc = { method, handler, chain: interceptors };

  const call = async (request: HttpRequest, context: CallContext, isBinary: boolean): Promise<Reply> => {
    await gate?.(context);
    const bytes = await readBody(request, { maxBytes: readMaxBytes, signal: context.signal });
    const { message, header, trailer } = await invokeUnary(rpc, context, parse(method, bytes, isBinary));
    const body = serialize(method, message, isBinary);
    if (lengthOf(body) > writeMaxBytes) throw messageTooLarge("response", writeMaxBytes);
    const type = isBinary ? "application/proto" : "application/json";
    return { status: 200, header: { "content-type": type, ...nodeHeaders(header, trailer) }, body };
  };

  return async (request, response, { timeoutMs, watch, refused }) => {
    const isBinary = contentType.exec(request.headers["content-type"] ?? "")?.[1] !== undefined;
    const context = new CallContext({
      method,
      url: urlOf(request),
      protocolName: "connect",
      requestHeader: webHeaders(request),
      timeoutMs,
      shutdownSignal,
    });
    response.once("close", () => {
      if (!context.signal.aborted) context.abort(plainError(Code.Canceled));
    });
    watch(response, (error) => context.abort(error));
    let reply: Reply;
    try {
      reply = await call(request, context, isBinary);
    } catch (error) {
      const failure = toServerError(error, context.signal);
      if (context.values.get(requestIdKey) === "") refused(failure);
      reply = failed(failure, context);
      // The rest of a body that was too long by then is not waited for. One that nobody has begun to read is read by Node.js.
      const isBrokenOff = request.readableDidRead && !request.complete;
      if (isBrokenOff && !("stream" in response)) response.setHeader("connection", "close");
    } finally {
      context.close();
    }
    await send(reply, negotiated(request), response);
  };
}

function parse({ input }: DescMethodUnary, bytes: Uint8Array, isBinary: boolean): Message {
  beginTurn();
  try {
    // Fields of bytes are views of the message; as plain Uint8Array they are the same whatever carried them.
    if (isBinary) return fromBinary(input, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    return fromJsonString(input, utf8.decode(bytes), jsonReadOptions);
  } catch (error) {
    throw isBinary ? malformedRequest(error) : ConnectError.from(error, Code.InvalidArgument);
  }
}

function serialize({ output }: DescMethodUnary, message: Message, isBinary: boolean): string | Uint8Array {
  return isBinary ? toBinary(output, message) : toJsonString(output, message);
}

function failed(error: ConnectError, { responseHeader, responseTrailer }: CallContext): Reply {
  const header = new Headers(responseHeader);
  // What another process said of its own call is no header of this one.
  if (!error.isWireError) mergeNonProtocolHeaders(header, error.metadata);
  return {
    status: codeToHttpStatus(error.code),
    header: { ...nodeHeaders(header, responseTrailer), "content-type": "application/json" },
    body: errorToJsonBytes(error, undefined),
  };
}

/** How the response may be packed. */
function negotiated({ headers }: HttpRequest): Compression | null {
  const accepted = headers["accept-encoding"];
  return typeof accepted === "string" ? compressionNegotiate(compressions, null, accepted, "").response : null;
}

async function send({ status, header, body }: Reply, compression: Compression | null, response: HttpResponse) {
  let sent = body;
  if (compression !== null && lengthOf(body) >= compressMinBytes) {
    sent = await compression.compress(typeof body === "string" ? Buffer.from(body) : new Uint8Array(body));
    header["content-encoding"] = compression.name;
  }
  header["content-length"] = String(lengthOf(sent));
  if (!(await isOpenAtTurnsEnd(response))) return;
  // A text goes out in one piece with the head.
  (response as ServerResponse).writeHead(status, header);
  response.end(sent);
}

const lengthOf = (body: string | Uint8Array): number =>
  typeof body === "string" ? Buffer.byteLength(body) : body.byteLength;

/** Trailers of a unary call go into its headers. */
function nodeHeaders(header: Headers, trailer: Headers): Record<string, string> {
  const all: Record<string, string> = {};
  header.forEach((value, name) => (all[name] = value));
  trailer.forEach((value, name) => (all[`trailer-${name}`] = value));
  return all;
}

function webHeaders({ headers }: HttpRequest): Headers {
  const all = new Headers();
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || name.startsWith(":")) continue;
    if (typeof value === "string") all.append(name, value);
    else for (const each of value) all.append(name, each);
  }
  return all;
}

function urlOf({ headers, socket, url = "" }: HttpRequest): string {
  const scheme = "encrypted" in socket && socket.encrypted === true ? "https" : "http";
  return `${scheme}://${(headers[":authority"] as string | undefined) ?? headers.host}${url}`;
}
