import { Code, ConnectError } from "@connectrpc/connect";
import { factsOf, quartetError, type Reason, reasonOf, retryDelayMsOf } from "@quartet/errors";
import { BulkheadFullError, CircuitOpenError, HopTimeoutError, type Verdict } from "@quartet/resilience";

/** Our own shedding ends as soon as a call in flight ends; spread out, so that those refused together do not come back together. */
const retryAfterFullMs = (): number => 500 + Math.random() * 1000;

/** Codes that are about the request, or about what the service was told to allow: the service is well. */
const saysNothing: ReadonlySet<Code> = new Set([
  Code.InvalidArgument,
  Code.NotFound,
  Code.AlreadyExists,
  Code.PermissionDenied,
  Code.Unauthenticated,
  Code.FailedPrecondition,
  Code.OutOfRange,
  Code.Aborted,
  Code.Unimplemented,
  Code.ResourceExhausted,
]);

/** Failures that another try, perhaps at another replica, may not meet. What a provider does is retried by its key pool and nowhere else. */
const passing: ReadonlySet<Reason> = new Set(["UPSTREAM_LOST", "DRAINING"]);

/**
 * The service is well, and says itself that what stands behind it is not: a replica that is going down, a store that cannot be asked. It has a
 * breaker of its own before each store; a second one here would keep from callers what still works, such as searching while the record is away.
 */
const speaksForItself: ReadonlySet<Reason> = new Set([
  "DRAINING",
  "UPSTREAM_FAILED",
  "ALL_SOURCES_FAILED",
  "CIRCUIT_OPEN",
]);

/**
 * What an error of a call says about the service, while our own signal is not aborted. Everything that is not listed as the caller's
 * mistake or a limit is a failure: UNAVAILABLE, INTERNAL, UNKNOWN, DATA_LOSS, and a CANCELED that we did not ask for.
 */
export function classify(error: unknown): Verdict {
  if (!(error instanceof ConnectError)) return { outcome: "failure", retryable: false };
  // A provider that refuses what is in a text is as well as its service.
  if (saysNothing.has(error.code) || factsOf(error)["refusesTexts"] === "true")
    return { outcome: "neutral", retryable: false };
  if (error.code === Code.Canceled) return { outcome: "failure", retryable: true };
  const reason = reasonOf(error);
  const retryAfterMs = retryDelayMsOf(error);
  return {
    outcome: reason !== undefined && speaksForItself.has(reason) ? "neutral" : "failure",
    retryable: error.code === Code.Unavailable && reason !== undefined && passing.has(reason),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** The service says that the time it was given was too short: for the call, or for a model's first word, which takes most of it. */
export const isOutOfTime = (error: unknown): boolean =>
  error instanceof ConnectError && (error.code === Code.DeadlineExceeded || reasonOf(error) === "LLM_TTFT");

/** The end of the time that we set, whichever end notices first. */
export function asOwnClock(error: unknown, hop: string, timeoutMs: number): unknown {
  return error instanceof ConnectError && error.code === Code.DeadlineExceeded
    ? new HopTimeoutError(hop, "total", timeoutMs)
    : error;
}

/** What a caller of the gateway may see of a hop's error: always with a reason, and no headers of the inner call. */
export function toHopError(error: unknown, hop: string): unknown {
  if (error instanceof HopTimeoutError) return timeoutError(error, hop);
  if (error instanceof BulkheadFullError) {
    return quartetError({
      code: Code.ResourceExhausted,
      reason: "OVERLOADED",
      message: `Too many calls to ${hop} are under way. Try again shortly.`,
      retryDelayMs: retryAfterFullMs(),
      cause: error,
    });
  }
  if (error instanceof CircuitOpenError) {
    return quartetError({
      code: Code.Unavailable,
      reason: "CIRCUIT_OPEN",
      message: `The ${hop} service failed repeatedly and is left alone to recover. Try again shortly.`,
      retryDelayMs: error.retryAfterMs,
      cause: error,
    });
  }
  // Anything else is a defect of the gateway, and the host says INTERNAL.
  return error instanceof ConnectError ? upstreamError(error, hop) : error;
}

function timeoutError(error: HopTimeoutError, hop: string): ConnectError {
  switch (error.clock) {
    case "total":
      return quartetError({
        code: Code.DeadlineExceeded,
        reason: "OUT_OF_TIME",
        message: `The time for ${hop} is used up. Give the call a longer deadline, or try again.`,
        cause: error,
      });
    case "first":
      return quartetError({
        code: Code.Unavailable,
        reason: "LLM_TTFT",
        message: "The answer did not begin in time. Try again.",
        cause: error,
      });
    case "idle":
      return quartetError({
        code: Code.Unavailable,
        reason: "STREAM_STALLED",
        message: "The answer stopped coming. Ask again.",
        cause: error,
      });
  }
}

/** Complaints that are about the gateway itself: its caller can do nothing with them. */
const betweenServices: ReadonlySet<Code> = new Set([Code.Unauthenticated, Code.PermissionDenied, Code.Unimplemented]);

function upstreamError(error: ConnectError, hop: string): ConnectError {
  if (error.code === Code.Canceled) {
    return quartetError({
      code: Code.Unavailable,
      reason: "UPSTREAM_LOST",
      message: `The connection to the ${hop} service broke. Try again.`,
      cause: error,
    });
  }
  if (reasonOf(error) === undefined || betweenServices.has(error.code)) {
    return quartetError({
      code: Code.Unavailable,
      reason: "UPSTREAM_FAILED",
      message: `The ${hop} service answered with an error. Try again; the operator finds it in the log by the request ID.`,
      cause: error,
    });
  }
  const shown = new ConnectError(error.rawMessage, error.code, undefined, undefined, error.cause);
  shown.details = error.details;
  return shown;
}

/** A service's reply lacks what the contract promises. */
export function unexpectedReply(hop: string): ConnectError {
  return quartetError({
    code: Code.Unavailable,
    reason: "UPSTREAM_FAILED",
    message: `The ${hop} service gave a reply of another contract. The operator should run services of one version.`,
  });
}
