import { Code, ConnectError } from "@connectrpc/connect";
import { reasonTextOf, retryDelayMsOf, violationsOf } from "@quartet/errors";
import { QuartetError, type QuartetErrorCode } from "./quartet-error.ts";

/** The header in which a server names the call, for finding it in the server's log. */
const requestIdHeader = "x-request-id";

const codes: Readonly<Record<Code, QuartetErrorCode>> = {
  [Code.Canceled]: "canceled",
  [Code.Unknown]: "unknown",
  [Code.InvalidArgument]: "invalid_argument",
  [Code.DeadlineExceeded]: "deadline_exceeded",
  [Code.NotFound]: "not_found",
  [Code.AlreadyExists]: "already_exists",
  [Code.PermissionDenied]: "permission_denied",
  [Code.ResourceExhausted]: "resource_exhausted",
  [Code.FailedPrecondition]: "failed_precondition",
  [Code.Aborted]: "aborted",
  [Code.OutOfRange]: "out_of_range",
  [Code.Unimplemented]: "unimplemented",
  [Code.Internal]: "internal",
  [Code.Unavailable]: "unavailable",
  [Code.DataLoss]: "data_loss",
  [Code.Unauthenticated]: "unauthenticated",
};

/** What Node's sockets say when there is no connection, or no longer one. */
const connectionErrors = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EPIPE",
  "ERR_HTTP2_SESSION_ERROR",
  "ETIMEDOUT",
]);

/** Marks, as a cause, that `fetch` itself failed: no response came, and browsers do not tell why. */
export class NoResponse extends Error {
  override readonly name = "NoResponse";
}

/**
 * Turns whatever a Connect transport throws into a QuartetError.
 *
 * An error without a word of the server, whose causes are a socket's, is `unavailable` and `unreachable`; a call that was given up by its
 * own signal is `canceled` even where the transport reports the broken socket instead.
 */
export function toQuartetError(thrown: unknown, signal?: AbortSignal): QuartetError {
  if (thrown instanceof QuartetError) return thrown;
  const error = ConnectError.from(thrown);
  const reason = reasonTextOf(error);
  const requestId = error.metadata.get(requestIdHeader) ?? undefined;
  if (reason === undefined && signal?.aborted) {
    return new QuartetError({ code: "canceled", message: "The call was canceled.", requestId, cause: thrown });
  }
  // A server that dies closes its HTTP/2 streams with the same signal as a cancel; ours was not.
  const isLost = error.code === Code.Canceled || causes(thrown).some(isConnectionError);
  if (reason === undefined && error.details.length === 0 && isLost) {
    const message = "The server cannot be reached, or the connection to it broke.";
    return new QuartetError({ code: "unavailable", message, requestId, unreachable: true, cause: thrown });
  }
  const isOutOfTime = reason === undefined && error.code === Code.DeadlineExceeded;
  return new QuartetError({
    code: codes[error.code],
    message: isOutOfTime ? "No answer came in the time the call was given." : error.rawMessage,
    reason,
    retryDelayMs: retryDelayMsOf(error),
    violations: violationsOf(error),
    requestId,
    cause: thrown,
  });
}

const isConnectionError = (error: Cause): boolean =>
  error instanceof NoResponse || (typeof error.code === "string" && connectionErrors.has(error.code));

/** What is read of an error that may come from another realm, where `instanceof Error` says no. */
interface Cause {
  readonly code?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
}

/** An error, its causes, and the parts of those that are several (such as one for each address of a host). */
function causes(thrown: unknown): Cause[] {
  const found = new Set<Cause>();
  const open = [thrown];
  while (open.length > 0) {
    const error = open.pop();
    if (typeof error !== "object" || error === null || found.has(error)) continue;
    const { cause, errors }: Cause = error;
    found.add(error);
    open.push(cause, ...(Array.isArray(errors) ? errors : []));
  }
  return [...found];
}
