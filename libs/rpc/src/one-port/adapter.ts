import type { DescMethod } from "@bufbuild/protobuf";
import { Code, type ConnectError, type ContextValues, createContextValues } from "@connectrpc/connect";
import { universalRequestFromNodeRequest } from "@connectrpc/connect-node";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { quartetError } from "@quartet/errors";
import type { Logger, Metrics } from "@quartet/telemetry";
import type { Deadlines } from "../deadline.ts";
import { plainError } from "../errors.ts";
import { requestIdKey } from "../principal.ts";
import { completeTimeout, connectTimeoutHeader, connectTimeoutMs } from "../timeout-headers.ts";
import type { HttpEndpoint } from "./endpoint.ts";
import {
  breakOff,
  type HttpHandler,
  type HttpRequest,
  type HttpResponse,
  isGone,
  pathOf,
  refuse,
  refuseVerb,
} from "./http.ts";
import type { ProtocolHandler } from "./protocols.ts";
import { repairRefusal } from "./repair.ts";
import { type EndpointHostOptions, serveEndpoint, type ServeEndpoint } from "./serve-endpoint.ts";
import { writeResponse } from "./respond.ts";
import { isOrdinaryUnary } from "./serve-unary.ts";
import { watchReader } from "./stalled-reader.ts";

export interface Mount extends ProtocolHandler {
  readonly deadlines: Deadlines;
}

interface HostedEndpoint {
  readonly endpoint: HttpEndpoint;
  readonly serve: ServeEndpoint;
}

export interface AdapterOptions {
  /** By path, as `/package.Service/Method`. */
  readonly mounts: ReadonlyMap<string, Mount>;
  /** Paths of plain HTTP; of those at the same path the first that accepts a request. */
  readonly endpoints: readonly HttpEndpoint[];
  /** How they are hosted, but for the readers of their responses, who are watched here. */
  readonly endpointHost: Omit<EndpointHostOptions, "watchReader">;
  /** Everything else. */
  readonly fallback: HttpHandler;
  readonly readerStallMs: number;
  readonly requestTimeoutMs: number;
  readonly logger: Logger | undefined;
  readonly metrics: Metrics | undefined;
}

/** The function that Node.js calls for every request on the port. */
export function createAdapter(
  options: AdapterOptions,
): (request: HttpRequest, response: HttpResponse) => Promise<void> {
  const { mounts, fallback, readerStallMs, logger, metrics } = options;
  const stalls = metrics?.counter("quartet_rpc_server_readers_stalled_total").with({});
  const refusals = metrics?.counter("quartet_rpc_server_refused_total");

  const watch = (response: HttpResponse, onStall: (error: ConnectError) => void) =>
    watchReader(response, readerStallMs, () => {
      stalls?.add();
      onStall(readerStalled());
      breakOff(response);
    });

  const hosted = new Map<string, HostedEndpoint[]>();
  for (const endpoint of options.endpoints) {
    const others = hosted.get(endpoint.path) ?? [];
    const serve = serveEndpoint(endpoint, { ...options.endpointHost, watchReader: watch });
    hosted.set(endpoint.path, [...others, { endpoint, serve }]);
  }
  const endpointFor = (path: string, request: HttpRequest) =>
    hosted.get(path)?.find(({ endpoint }) => endpoint.accepts?.(request) ?? true);

  const countRefusal = ({ parent, name }: DescMethod, { code }: { readonly code: Code }) =>
    refusals?.with({ service: parent.typeName, method: name, code: codeToString(code) }).add();

  const serveRpc = async ({ handler, unary, deadlines }: Mount, request: HttpRequest, response: HttpResponse) => {
    const { method } = handler;
    if (unary !== undefined && isOrdinaryUnary(request)) {
      limitRequestTime(handler, request, response, options.requestTimeoutMs);
      const timeoutMs = deadlines.complete(connectTimeoutMs(request.headers[connectTimeoutHeader]), method);
      return await unary(request, response, { timeoutMs, watch, refused: (error) => countRefusal(method, error) });
    }
    const contextValues = createContextValues();
    const universal = toUniversal(request, response, contextValues);
    if (universal === undefined) return refuseTarget(response);
    const ended = new AbortController();
    // It is aborted when the request or its connection ends, in whatever way: a connection that was reset is a caller who left, and no defect of ours.
    universal.signal.addEventListener("abort", () => ended.abort(plainError(Code.Canceled, universal.signal.reason)), {
      once: true,
    });
    completeTimeout(universal.header, deadlines, method);
    limitRequestTime(handler, request, response, options.requestTimeoutMs);
    watch(response, (error) => ended.abort(error));
    const answer = await handler({ ...universal, signal: ended.signal });
    const refusal = contextValues.get(requestIdKey) === "" ? await repairRefusal(answer) : undefined;
    if (refusal !== undefined) countRefusal(method, refusal);
    // Both Connect refuses without a word.
    if (answer.status === 405) return refuseVerb(response, handler.allowedMethods.join(", "));
    if (answer.status === 415)
      return refuse(response, 415, "Send JSON with the header content-type: application/json.");
    await writeResponse(refusal?.response ?? answer, response, ended.signal);
  };

  return async (request, response) => {
    const path = pathOf(request);
    const mount = mounts.get(path);
    try {
      const endpoint = endpointFor(path, request);
      if (endpoint !== undefined) await endpoint.serve(request, response);
      else if (mount !== undefined) await serveRpc(mount, request, response);
      else if (isGrpc(request)) refuseUnknownMethod(response);
      else await fallback(request, response);
    } catch (error) {
      // What a handler throws has become an answer before; here the connection is broken, or a plain route failed.
      if (isGone(response)) return;
      logger?.error({ err: error, path: mount === undefined ? undefined : path }, "request failed");
      if (response.headersSent) return breakOff(response);
      response.statusCode = 500;
      response.end();
    }
  };
}

function readerStalled() {
  return quartetError({
    code: Code.Unavailable,
    reason: "READER_STALLED",
    message: "The answer was not read; ask again, and read it as it comes.",
  });
}

/** HTTP/1.1 has this limit in Node.js; HTTP/2 has none. A client that streams may take as long as its deadline. */
function limitRequestTime(
  { method }: UniversalHandler,
  request: HttpRequest,
  response: HttpResponse,
  limitMs: number,
): void {
  if (!("stream" in request) || method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming")
    return;
  const timer = setTimeout(() => breakOff(response), limitMs);
  const clear = () => clearTimeout(timer);
  request.once("end", clear);
  request.once("close", clear);
}

function isGrpc({ headers }: HttpRequest): boolean {
  return headers["content-type"]?.startsWith("application/grpc") === true;
}

/** A gRPC client reads the status of a response, not that of HTTP. */
function refuseUnknownMethod(response: HttpResponse): void {
  response.setHeader("content-type", "application/grpc");
  response.setHeader("grpc-status", String(Code.Unimplemented));
  response.setHeader("grpc-message", "This server has no such method.");
  response.end();
}

/** Undefined if the request line and the Host header make no URL. */
function toUniversal(request: HttpRequest, response: HttpResponse, contextValues: ContextValues) {
  try {
    return universalRequestFromNodeRequest(request, response, undefined, contextValues);
  } catch {
    return undefined;
  }
}

function refuseTarget(response: HttpResponse): void {
  response.statusCode = 400;
  response.end();
}
