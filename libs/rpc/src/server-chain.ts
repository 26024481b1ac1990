import { randomUUID } from "node:crypto";
import type { DescService } from "@bufbuild/protobuf";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import type { Logger, Metrics } from "@quartet/telemetry";
import { giveWay } from "@quartet/turns";
import { type Authenticate, createAuthentication, type Gate } from "./authentication.ts";
import { plainError, toServerError } from "./errors.ts";
import { log, measure, observe } from "./observers.ts";
import { principalKey, readPrincipal, requestIdHeader, requestIdKey, stripInternalHeaders } from "./principal.ts";
import { createRequestValidator, type RequestValidator } from "./validation.ts";
import { watchStream } from "./watch-stream.ts";

export interface ServerChainOptions {
  /**
   * Who calls. `edge`: anyone; metadata under `quartet-` is dropped, and the tenant is what `authenticate` says. `trusted`: only Quartet's
   * own gateway; the tenant is taken from its metadata, and a call without one is refused.
   */
  readonly callers: "edge" | "trusted";
  /** Finds out who calls an `edge`, before the request's body is read where the host can. Without it, calls are the default tenant's. */
  readonly authenticate?: Authenticate | undefined;
  /** Whether requests are checked against the contract's rules. */
  readonly validate: boolean;
  readonly logger?: Logger | undefined;
  readonly metrics?: Metrics | undefined;
}

export interface ServerChain {
  readonly interceptors: Interceptor[];
  /** What a host that can runs before it reads a request's body; the interceptors do the same on the others. */
  readonly gate: Gate | undefined;
  /** Does ahead what a service's first calls would wait for: its rules take a quarter of a second to compile. */
  prepare(service: DescService): void;
}

/**
 * What every call to a server goes through, outermost first. The deadline is already in the signal and the context: hosts set it before
 * anything runs (deadline.ts), and `guard` around the handler enforces it.
 */
export function createServerChain(options: ServerChainOptions): ServerChain {
  const { callers, authenticate, validate, logger, metrics } = options;
  if (authenticate !== undefined && callers !== "edge")
    throw new TypeError("Only callers of an edge are authenticated.");
  const check = validate ? createRequestValidator() : undefined;
  const outermost = [
    identify(callers),
    observe({
      mapError: toServerError,
      observers: [
        ...(metrics === undefined ? [] : [measure(metrics, "server")]),
        ...(logger === undefined ? [] : [log(logger, callers === "edge" ? "info" : "debug")]),
      ],
    }),
  ];
  const authentication = authenticate && createAuthentication(authenticate, outermost);
  const interceptors = [
    ...outermost,
    ...(authentication === undefined ? [] : [authentication.interceptor]),
    ...(callers === "trusted" ? [requirePrincipal] : []),
    ...(check === undefined ? [] : [validateRequests(check)]),
  ];
  return {
    interceptors,
    gate: authentication?.gate,
    prepare: ({ methods }) => methods.forEach(({ input }) => check?.prepare(input)),
  };
}

/** A caller may bring an id of its own, as proxies do; anything odd is replaced. */
const requestIdPattern = /^[A-Za-z0-9_.:-]{1,128}$/;

/** Request id and principal into the context; the id into the response. */
function identify(callers: ServerChainOptions["callers"]): Interceptor {
  return (next) => async (request) => {
    const { header, contextValues } = request;
    const given = header.get(requestIdHeader);
    const requestId = given !== null && requestIdPattern.test(given) ? given : randomUUID();
    contextValues.set(requestIdKey, requestId);
    if (callers === "edge") {
      stripInternalHeaders(header);
    } else {
      const principal = readPrincipal(header);
      if (principal !== undefined) contextValues.set(principalKey, principal);
    }
    try {
      const response = await next(request);
      response.header.set(requestIdHeader, requestId);
      return response;
    } catch (error) {
      if (error instanceof ConnectError) error.metadata.set(requestIdHeader, requestId);
      throw error;
    }
  };
}

const requirePrincipal: Interceptor = (next) => (request) => {
  if (readPrincipal(request.header) === undefined) throw plainError(Code.Unauthenticated);
  return next(request);
};

/**
 * Refuses what breaks the contract's rules, naming the fields; messages of a client's stream as they come. After a request that was long to
 * read, the handler begins a turn of the event loop of its own.
 */
function validateRequests({ check }: RequestValidator): Interceptor {
  return (next) => (request) => {
    const { input } = request.method;
    if (!request.stream) {
      check(input, request.message);
      const pause = giveWay(request.signal);
      return pause === undefined ? next(request) : pause.then(() => next(request));
    }
    return next({ ...request, message: watchStream(request.message, { next: (message) => check(input, message) }) });
  };
}
