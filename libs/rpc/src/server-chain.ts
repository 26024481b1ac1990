import { randomUUID } from "node:crypto";
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { Code, ConnectError, type Interceptor, type StreamRequest, type UnaryRequest } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { reasonTextOf } from "@quartet/errors";
import type { Logger, Metrics } from "@quartet/telemetry";
import { abortError, plainError, toServerError } from "./errors.ts";
import { watchStream } from "./watch-stream.ts";
import {
  principalKey,
  readPrincipal,
  requestIdHeader,
  requestIdKey,
  requestIdOf,
  stripInternalHeaders,
} from "./principal.ts";
import { createRequestValidator, type RequestValidator } from "./validation.ts";

export interface ServerChainOptions {
  /**
   * Who calls. `edge`: anyone; metadata under `quartet-` is dropped, and calls are the default tenant's. `trusted`: only Quartet's own
   * gateway; the tenant is taken from its metadata, and a call without one is refused.
   */
  readonly callers: "edge" | "trusted";
  /** Whether requests are checked against the contract's rules. */
  readonly validate: boolean;
  readonly logger?: Logger | undefined;
  readonly metrics?: Metrics | undefined;
}

export interface ServerChain {
  readonly interceptors: Interceptor[];
  /** Does ahead what a service's first calls would wait for: its rules take a quarter of a second to compile. */
  prepare(service: DescService): void;
}

/**
 * What every call to a server goes through, outermost first. The deadline is already in the signal and the context: hosts set it before
 * anything runs (deadline.ts), and `guard` around the handler enforces it.
 */
export function createServerChain({ callers, validate, logger, metrics }: ServerChainOptions): ServerChain {
  const check = validate ? createRequestValidator() : undefined;
  const interceptors = [
    identify(callers),
    observe([
      ...(metrics === undefined ? [] : [measure(metrics)]),
      ...(logger === undefined ? [] : [log(logger, callers === "edge" ? "info" : "debug")]),
    ]),
    ...(callers === "trusted" ? [requirePrincipal] : []),
    ...(check === undefined ? [] : [validateRequests(check)]),
  ];
  return {
    interceptors,
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

type Request = UnaryRequest | StreamRequest;
type Outcome = { readonly code: string; readonly durationMs: number; readonly error: ConnectError | undefined };
/** Called when a call begins; what it gives is called when the call, or its stream, has ended. */
type Observer = (request: Request) => (outcome: Outcome) => void;

/** Maps every error to one that may leave (toServerError), and tells the observers of each call's end. */
function observe(observers: readonly Observer[]): Interceptor {
  return (next) => async (request) => {
    const startedAt = performance.now();
    const enders = observers.map((begin) => begin(request));
    const end = (error: ConnectError | undefined) => {
      const code = error === undefined ? "ok" : codeToString(error.code);
      const outcome = { code, durationMs: performance.now() - startedAt, error };
      for (const ender of enders) ender(outcome);
    };
    const fail = (error: unknown) => {
      const mapped = toServerError(error, request.signal);
      end(mapped);
      return mapped;
    };
    try {
      const response = await next(request);
      if (!response.stream) {
        end(undefined);
        return response;
      }
      const message = watchStream(response.message, {
        ended: () => end(undefined),
        failed: fail,
        left: () => end(request.signal.aborted ? abortError(request.signal) : plainError(Code.Canceled)),
      });
      return { ...response, message };
    } catch (error) {
      throw fail(error);
    }
  };
}

/** Counts, times and shows what is in flight. Series are looked up once per method and code. */
function measure(metrics: Metrics): Observer {
  const handled = metrics.counter("quartet_rpc_server_handled_total");
  const duration = metrics.histogram("quartet_rpc_server_duration_seconds");
  const inFlight = metrics.gauge("quartet_rpc_server_in_flight");
  const seriesOf = remember((method: DescMethod) => {
    const labels = { service: method.parent.typeName, method: method.name };
    const typed = { ...labels, type: method.methodKind };
    return {
      inFlight: inFlight.with(labels),
      duration: duration.with(typed),
      handled: remember((code: string) => handled.with({ ...typed, code })),
    };
  });
  return ({ method }) => {
    const series = seriesOf(method);
    series.inFlight.add(1);
    return ({ code, durationMs }) => {
      series.inFlight.add(-1);
      series.duration.observe(durationMs / 1000);
      series.handled(code).add();
    };
  };
}

function remember<K, V>(make: (key: K) => V): (key: K) => V {
  const made = new Map<K, V>();
  return (key) => {
    let value = made.get(key);
    if (value === undefined) made.set(key, (value = make(key)));
    return value;
  };
}

const serverFaults: ReadonlySet<Code> = new Set([Code.Internal, Code.Unknown, Code.DataLoss]);
const troubles: ReadonlySet<Code> = new Set([Code.Unavailable, Code.DeadlineExceeded, Code.ResourceExhausted]);

/** One line per call; an error of our own making with its cause. The only place where an rpc's error is logged. */
function log(logger: Logger, normal: "info" | "debug"): Observer {
  return ({ method, contextValues }) =>
    ({ code, durationMs, error }) => {
      const level =
        error === undefined
          ? normal
          : serverFaults.has(error.code)
            ? "error"
            : troubles.has(error.code)
              ? "warn"
              : normal;
      if (!logger.isLevelEnabled(level)) return;
      const fields = {
        requestId: requestIdOf({ values: contextValues }),
        rpc: `${method.parent.typeName}/${method.name}`,
        code,
        durationMs: Math.round(durationMs * 1000) / 1000,
        ...(error === undefined ? {} : { reason: reasonTextOf(error), err: error.cause }),
      };
      logger[level](fields, "call handled");
    };
}

const requirePrincipal: Interceptor = (next) => (request) => {
  if (readPrincipal(request.header) === undefined) throw plainError(Code.Unauthenticated);
  return next(request);
};

/** Refuses what breaks the contract's rules, naming the fields; messages of a client's stream as they come. */
function validateRequests({ check }: RequestValidator): Interceptor {
  return (next) => (request) => {
    const { input } = request.method;
    if (!request.stream) {
      check(input, request.message);
      return next(request);
    }
    return next({ ...request, message: watchStream(request.message, { next: (message) => check(input, message) }) });
  };
}
