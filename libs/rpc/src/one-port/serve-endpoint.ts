import type { DescMethod } from "@bufbuild/protobuf";
import { Code, type ConnectError, type Interceptor } from "@connectrpc/connect";
import { codeToHttpStatus } from "@connectrpc/connect/protocol-connect";
import { quartetError, reasonOf } from "@quartet/errors";
import type { Logger, Metrics } from "@quartet/telemetry";
import type { Authenticate } from "../authentication.ts";
import { CallContext } from "../call-context.ts";
import { createDeadlines, type DeadlineOptions } from "../deadline.ts";
import { malformedRequest, toServerError } from "../errors.ts";
import { requestIdHeader, requestIdOf } from "../principal.ts";
import { createServerChain, type ServerChainOptions } from "../server-chain.ts";
import { requestOf, throughChain } from "../through-chain.ts";
import { connectTimeoutHeader, connectTimeoutMs } from "../timeout-headers.ts";
import type { HttpEndpoint } from "./endpoint.ts";
import { type HttpRequest, type HttpResponse, isGone, refuseVerb } from "./http.ts";
import { LateBodyError, readBody } from "./request-body.ts";
import { endResponse, writePart } from "./respond.ts";

export interface EndpointHostOptions extends DeadlineOptions {
  readonly callers: ServerChainOptions["callers"];
  readonly authenticate: Authenticate | undefined;
  /** How long a body may take to come. */
  readonly requestTimeoutMs: number;
  /** Tells when the reader of a response has stopped reading. */
  readonly watchReader: (response: HttpResponse, onStall: (error: ConnectError) => void) => void;
  readonly shutdownSignal: AbortSignal;
  readonly logger: Logger | undefined;
  readonly metrics: Metrics | undefined;
}

export type ServeEndpoint = (request: HttpRequest, response: HttpResponse) => Promise<void>;

/** Answers the requests of one endpoint, each under the rules that rpcs have. */
export function serveEndpoint(endpoint: HttpEndpoint, options: EndpointHostOptions): ServeEndpoint {
  const { authenticate, requestTimeoutMs, watchReader, shutdownSignal } = options;
  const { verb, path, consumes, like, defaultTimeoutMs = options.defaultTimeoutMs } = endpoint;
  const { interceptors } = createServerChain({
    ...options,
    authenticate: authenticate && ((call) => authenticate({ ...call, method: like })),
    validate: false,
  });
  const deadlines = createDeadlines({ ...options, ...(defaultTimeoutMs !== undefined && { defaultTimeoutMs }) });
  const method = namedAs(like, `${verb} ${path}`);

  return async (request, response) => {
    if (request.method !== verb) return refuseVerb(response, verb);
    const requestedMs = endpoint.timeoutMsOf?.(request) ?? connectTimeoutMs(request.headers[connectTimeoutHeader]);
    const context = new CallContext({
      method,
      url: path,
      protocolName: "http",
      requestHeader: keptHeaders(request),
      timeoutMs: deadlines.complete(Number.isNaN(requestedMs) ? undefined : requestedMs),
      shutdownSignal,
    });
    const { signal } = context;
    response.once("close", () => context.close());
    watchReader(response, (error) => context.abort(error));
    let status: number | undefined;
    const handle = async () => {
      response.setHeader(requestIdHeader, requestIdOf(context));
      if (Number.isNaN(requestedMs)) throw malformedRequest(undefined);
      if (consumes !== undefined && !isReadable(request, consumes)) {
        status = 415;
        throw unreadable();
      }
      await endpoint.handle({
        request,
        response,
        context,
        readBody: ({ maxBytes }) =>
          readBody(request, { maxBytes, limitMs: requestTimeoutMs, signal }).catch((error: unknown) => {
            if (!(error instanceof LateBodyError)) throw error;
            status = 408;
            throw lateBody(error);
          }),
        write: (part) => writePart(response, part, signal),
        end: (last) => endResponse(response, last),
      });
    };
    try {
      await run(interceptors, context, handle);
    } catch (error) {
      if (isGone(response)) return;
      const failure = toServerError(error, signal);
      if (!response.headersSent) failure.metadata.forEach((value, name) => response.setHeader(name, value));
      endpoint.fail({ error: failure, status: status ?? statusOf(failure) }, response);
    } finally {
      context.close();
    }
  };
}

/** What of a request's headers goes further: nothing that could be taken for Quartet's own word. */
function keptHeaders({ headers }: HttpRequest): Headers {
  const kept = new Headers();
  for (const name of ["authorization", requestIdHeader]) {
    const value = headers[name];
    if (typeof value === "string") kept.set(name, value);
  }
  return kept;
}

/** As metrics and logs name it: by its path, though it is as open as the rpc. */
function namedAs(like: DescMethod, name: string): DescMethod {
  return { ...like, name, parent: { ...like.parent, typeName: "http" } };
}

/** Runs a handler that writes its response itself, as an rpc with an empty one. */
async function run(chain: readonly Interceptor[], context: CallContext, handle: () => Promise<void>): Promise<void> {
  const { method, service } = context;
  const answer = async (_call: object) => {
    await handle();
    return { stream: false, service, method, header: new Headers(), trailer: new Headers() };
  };
  await throughChain(chain, answer)({ ...requestOf(context), stream: false, method });
}

function isReadable({ headers }: HttpRequest, consumes: RegExp): boolean {
  const encoding = headers["content-encoding"] ?? "identity";
  return consumes.test(headers["content-type"] ?? "") && encoding === "identity";
}

const statusOf = (error: ConnectError): number =>
  reasonOf(error) === "MESSAGE_TOO_LARGE" ? 413 : codeToHttpStatus(error.code);

const unreadable = () =>
  quartetError({
    code: Code.InvalidArgument,
    reason: "FIELD_INVALID",
    message: "Send JSON that is not compressed, with content-type: application/json.",
  });

const lateBody = (cause: LateBodyError) =>
  quartetError({
    code: Code.DeadlineExceeded,
    reason: "OUT_OF_TIME",
    message: "The request did not come in time. Send it at once.",
    cause,
  });
