import type { DescMethod } from "@bufbuild/protobuf";
import { Code, type ConnectError, type Interceptor, type StreamRequest, type UnaryRequest } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { reasonTextOf } from "@quartet/errors";
import type { Logger, Metrics } from "@quartet/telemetry";
import { abortError, plainError } from "./errors.ts";
import { requestIdOf } from "./principal.ts";
import { watchStream } from "./watch-stream.ts";

type Request = UnaryRequest | StreamRequest;
type Outcome = { readonly code: string; readonly durationMs: number; readonly error: ConnectError | undefined };
/** Called when a call begins; what it gives is called when the call, or its stream, has ended. */
export type Observer = (request: Request) => (outcome: Outcome) => void;

export interface ObserveOptions {
  /** What every error of a call becomes before anyone sees it. */
  readonly mapError: (error: unknown, signal: AbortSignal) => ConnectError;
  readonly observers: readonly Observer[];
}

/** Maps every error, and tells the observers of each call's end: once, whether it succeeds, fails, or its reader leaves. */
export function observe({ mapError, observers }: ObserveOptions): Interceptor {
  return (next) => async (request) => {
    const { signal } = request;
    const startedAt = performance.now();
    const enders = observers.map((begin) => begin(request));
    let ended = false;
    const end = (error: ConnectError | undefined) => {
      if (ended) return;
      ended = true;
      const code = error === undefined ? "ok" : codeToString(error.code);
      const outcome = { code, durationMs: performance.now() - startedAt, error };
      for (const ender of enders) ender(outcome);
    };
    const failed = (error: unknown) => {
      const mapped = mapError(error, signal);
      end(mapped);
      return mapped;
    };
    try {
      const response = await next(request);
      if (!response.stream) {
        end(undefined);
        return response;
      }
      const left = () => {
        if (!ended) end(signal.aborted ? abortError(signal) : plainError(Code.Canceled));
      };
      // A reader who leaves need not say so: Connect keeps return() from its transports.
      signal.addEventListener("abort", left, { once: true });
      return { ...response, message: watchStream(response.message, { ended: () => end(undefined), failed, left }) };
    } catch (error) {
      throw failed(error);
    }
  };
}

/** Counts, times and shows what is in flight. Series are looked up once per method and code. */
export function measure(metrics: Metrics, side: "server" | "client"): Observer {
  const handled = metrics.counter(`quartet_rpc_${side}_handled_total`);
  const duration = metrics.histogram(`quartet_rpc_${side}_duration_seconds`);
  const inFlight = metrics.gauge(`quartet_rpc_${side}_in_flight`);
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
export function log(logger: Logger, normal: "info" | "debug"): Observer {
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
