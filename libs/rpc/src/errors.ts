import { Code, ConnectError } from "@connectrpc/connect";
import { type FieldViolation, quartetError, type Reason, reasonTextOf } from "@quartet/errors";

/** What a caller is told of an error that says nothing itself, or whose text must not leave: by code, what to do. */
const defaults: Partial<Record<Code, { reason: Reason; message: string }>> = {
  [Code.InvalidArgument]: {
    reason: "FIELD_INVALID",
    message: "The request is malformed; check it against the contract.",
  },
  [Code.NotFound]: { reason: "NOT_FOUND", message: "There is no such thing." },
  [Code.DeadlineExceeded]: {
    reason: "OUT_OF_TIME",
    message: "The time for this call is used up; ask with a longer deadline.",
  },
  [Code.ResourceExhausted]: { reason: "OVERLOADED", message: "The service is at its limit; try again later." },
  [Code.Unavailable]: { reason: "UPSTREAM_LOST", message: "The service cannot be reached; try again." },
  [Code.Unimplemented]: { reason: "NOT_ENABLED", message: "This server has no such method." },
  [Code.Unauthenticated]: { reason: "CREDENTIAL_INVALID", message: "Send a valid credential." },
  [Code.Internal]: { reason: "INTERNAL", message: "Something went wrong inside; report it with the request id." },
};

/** The code's own reason and sentence; whatever has none is a defect here. */
export function plainError(code: Code, cause?: unknown): ConnectError {
  if (code === Code.Canceled) return new ConnectError("The caller cancelled.", code, undefined, undefined, cause);
  const known = defaults[code];
  return known === undefined
    ? plainError(Code.Internal, cause)
    : quartetError({ code, reason: known.reason, message: known.message, cause });
}

/** What signals of a call that is over are aborted with. One for all calls: making a new error takes its stack. */
export const callEnded = new ConnectError("The call has ended.", Code.Canceled);

export function messageTooLarge(direction: "request" | "response", maxBytes: number, cause?: unknown): ConnectError {
  return quartetError({
    code: Code.ResourceExhausted,
    reason: "MESSAGE_TOO_LARGE",
    message: `The ${direction} is larger than ${maxBytes} bytes; ask for less at once.`,
    cause,
  });
}

export function malformedRequest(cause: unknown): ConnectError {
  return quartetError({
    code: Code.InvalidArgument,
    reason: "FIELD_INVALID",
    message: "The request cannot be decoded; check it against the contract.",
    cause,
  });
}

/**
 * The error a call ends with because its signal was aborted: DEADLINE_EXCEEDED, what the process gave as reason (it is draining), or
 * CANCELED.
 */
export function abortError({ reason }: AbortSignal): ConnectError {
  if (reason instanceof ConnectError) {
    if (reason.code === Code.DeadlineExceeded && reasonTextOf(reason) === undefined) {
      return plainError(Code.DeadlineExceeded, reason);
    }
    // One reason may end many calls; what becomes of the error on its way is each call's own.
    return copy(reason, reason.rawMessage, reason.details);
  }
  const timedOut = (reason as { readonly name?: unknown } | undefined)?.name === "TimeoutError";
  return plainError(timedOut ? Code.DeadlineExceeded : Code.Canceled, reason);
}

/** Connect's and grpc-js's own words for a message over the limit. */
const sizeError = /larger than (max|configured|\d)|max(imum)? .*size/i;
/** Connect's own words for bytes that are no message, or that were cut before they were unpacked; it calls them INTERNAL. */
const parseError = /^parse binary: |^decompression failed$/;
/** protobuf-es' words for JSON that does not fit: the field and what was expected. */
const jsonError = /^cannot decode field (?:\w+\.)*(\w+) from JSON: (.+)$/;
/** The same for a name that the message does not have; a name of another form is not shown again. */
const jsonUnknownField = /^cannot decode message (?:\w+\.)*\w+ from JSON: key "(\w{1,64})" is unknown$/;

/**
 * What leaves a server: always a ConnectError with a reason, and no text that a handler did not mean for the caller.
 * The one mapping of all hosts; what it replaces stays as `cause`, for the log.
 */
export function toServerError(error: unknown, signal: AbortSignal): ConnectError {
  return sendable(explain(error, signal));
}

function explain(error: unknown, signal: AbortSignal): ConnectError {
  if (error instanceof ConnectError && reasonTextOf(error) !== undefined) return error;
  if (signal.aborted) return abortError(signal);
  if (!(error instanceof ConnectError)) return plainError(Code.Internal, error);
  if (error.code === Code.Internal && parseError.test(error.rawMessage)) return malformedRequest(error);
  if (error.code === Code.ResourceExhausted && sizeError.test(error.rawMessage)) return tooLarge(error);
  return withField(error) ?? withReason(error);
}

/** Trailers share 16 KiB with everything else in them, and one character may take nine bytes there. */
const maxMessageLength = 512;

/** The error with a text that headers can hold: half a surrogate pair would make grpc-js and Connect throw where nothing catches. */
function sendable(error: ConnectError): ConnectError {
  const { rawMessage } = error;
  if (rawMessage.length <= maxMessageLength && rawMessage.isWellFormed()) return error;
  return copy(error, rawMessage.slice(0, maxMessageLength).toWellFormed(), error.details);
}

function copy(
  { code, metadata, cause }: ConnectError,
  message: string,
  details: ConnectError["details"],
): ConnectError {
  const result = new ConnectError(message, code, metadata, undefined, cause);
  result.details = details;
  return result;
}

/** The error of JSON that does not fit, naming the field as a broken rule would. */
function withField(error: ConnectError): ConnectError | undefined {
  const violation = error.code === Code.InvalidArgument ? violationIn(error.rawMessage) : undefined;
  if (violation === undefined) return undefined;
  return quartetError({
    code: Code.InvalidArgument,
    reason: "FIELD_INVALID",
    message: `${violation.field}: ${violation.description}`,
    violations: [violation],
    cause: error,
  });
}

function violationIn(message: string): FieldViolation | undefined {
  const [, field, description] = jsonError.exec(message) ?? [];
  if (field !== undefined && description !== undefined) return { field, description };
  const [, unknown] = jsonUnknownField.exec(message) ?? [];
  return unknown === undefined ? undefined : { field: unknown, description: "is no field; check its spelling" };
}

function tooLarge(error: ConnectError): ConnectError {
  return quartetError({
    code: Code.ResourceExhausted,
    reason: "MESSAGE_TOO_LARGE",
    message: "The message is over the size limit; send or ask for less at once.",
    cause: error,
  });
}

/** The same error with the reason of its code. */
function withReason(error: ConnectError): ConnectError {
  const known = defaults[error.code];
  if (known === undefined) return error;
  const { code, details, rawMessage } = error;
  const reasoned = quartetError({ code, reason: known.reason, message: rawMessage || known.message });
  return copy(error, reasoned.rawMessage, [...reasoned.details, ...details]);
}

/**
 * What a client's caller sees: one error of every kind, whatever transport made it.
 * - our own signal: its reason (DEADLINE_EXCEEDED, CANCELED, or what the process aborted it with);
 * - what a Quartet service said: as it said it;
 * - a CANCELED while our signal is not aborted: UNAVAILABLE, the peer is gone;
 * - anything a transport says itself: the code's own sentence, since theirs name hosts and ports.
 */
export function toClientError(error: unknown, signal: AbortSignal | undefined): ConnectError {
  if (signal?.aborted === true) return abortError(signal);
  if (!(error instanceof ConnectError)) return plainError(Code.Internal, error);
  if (reasonTextOf(error) !== undefined) return error;
  switch (error.code) {
    case Code.Canceled:
    case Code.Aborted:
    case Code.Unavailable:
      return plainError(Code.Unavailable, error);
    case Code.ResourceExhausted:
      return sizeError.test(error.rawMessage) ? tooLarge(error) : plainError(error.code, error);
    default:
      return defaults[error.code] === undefined ? error : plainError(error.code, error);
  }
}
