/** One field a server refused, and why. */
export interface FieldViolation {
  /** The field's path within the request, such as `question` or `documents[3].text`. */
  readonly field: string;
  /** What is wrong with it, for people. */
  readonly description: string;
}

/** The kind of a failure, as Connect and gRPC name it. */
export type QuartetErrorCode =
  | "canceled"
  | "unknown"
  | "invalid_argument"
  | "deadline_exceeded"
  | "not_found"
  | "already_exists"
  | "permission_denied"
  | "resource_exhausted"
  | "failed_precondition"
  | "aborted"
  | "out_of_range"
  | "unimplemented"
  | "internal"
  | "unavailable"
  | "data_loss"
  | "unauthenticated";

export interface QuartetErrorOptions {
  readonly code: QuartetErrorCode;
  readonly message: string;
  readonly reason?: string | undefined;
  readonly retryDelayMs?: number | undefined;
  readonly violations?: readonly FieldViolation[];
  readonly requestId?: string | undefined;
  readonly unreachable?: boolean;
  readonly cause?: unknown;
}

/** What every call of the client fails with, whatever the transport: the server's own words, or why there were none. */
export class QuartetError extends Error {
  override readonly name = "QuartetError";
  /** The kind of failure. */
  readonly code: QuartetErrorCode;
  /** What exactly happened: a name of the contract's registry `Reason`, or one of a newer server. Undefined where the server did not say. */
  readonly reason: string | undefined;
  /** How long to wait before another attempt, in milliseconds; undefined if waiting does not help. */
  readonly retryDelayMs: number | undefined;
  /** The fields at fault, with `invalid_argument`; else empty. */
  readonly violations: readonly FieldViolation[];
  /** What to look for in the server's log; undefined if no response came. */
  readonly requestId: string | undefined;
  /** Whether there is no connection to the server, or it broke before the server answered: nothing listens, no such host, gone. */
  readonly unreachable: boolean;

  constructor(options: QuartetErrorOptions) {
    super(options.message, { cause: options.cause });
    this.code = options.code;
    this.reason = options.reason;
    this.retryDelayMs = options.retryDelayMs;
    this.violations = options.violations ?? [];
    this.requestId = options.requestId;
    this.unreachable = options.unreachable ?? false;
  }

  /** What a log or a script needs; absent parts are left out, the cause too. */
  toJSON(): Record<string, unknown> {
    const { code, reason, message, retryDelayMs, violations, requestId } = this;
    const named = violations.length > 0 ? { violations } : {};
    return { code, reason, message, retryDelayMs, ...named, requestId };
  }
}
