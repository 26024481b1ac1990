import type { HeadersLike } from "@quartet/key-pool";

/**
 * What goes wrong between us and a model provider. Nothing of the provider's own words is in any of them, since those quote keys and prompts:
 * each may be logged as it is.
 */
export abstract class ProviderError extends Error {}

export interface ErrorReplyOptions {
  /** Undefined for an error that came within a stream. */
  readonly status: number | undefined;
  readonly headers?: HeadersLike | undefined;
  /** The members `code`, `type` and `param` of the provider's error, whatever they hold. */
  readonly error?: { readonly code?: unknown; readonly type?: unknown; readonly param?: unknown } | undefined;
}

/** The provider answered with an error, by its status or in the middle of a stream. */
export class ErrorReply extends ProviderError {
  override readonly name = "ErrorReply";
  readonly status: number | undefined;
  readonly headers: HeadersLike | undefined;
  /** As `rate_limit_exceeded`; undefined where there is none, or none that is a mere name. So are the other two. */
  readonly code: string | undefined;
  readonly type: string | undefined;
  /** The member of the request that it is about, as `max_tokens`. */
  readonly param: string | undefined;

  constructor({ status, headers, error = {} }: ErrorReplyOptions) {
    const code = nameOf(error.code);
    const facts = [
      status === undefined ? "within the stream" : `HTTP ${status}`,
      ...(code === undefined ? [] : [code]),
    ];
    super(`the model provider answered with an error: ${facts.join(", ")}`);
    this.status = status;
    this.headers = headers;
    this.code = code;
    this.type = nameOf(error.type);
    this.param = nameOf(error.param);
  }
}

/** No connection was made, or it broke before the reply began. */
export class ConnectionError extends ProviderError {
  override readonly name = "ConnectionError";

  /** @param cause of which only the system's names of what happened are kept, such as ECONNREFUSED: addresses are nobody's business. */
  constructor(cause: unknown) {
    super(`no connection to the model provider: ${systemCodesOf(cause)}`);
  }
}

/** The reply broke off, or a stream ended without saying why its text ended. */
export class StreamBrokenError extends ProviderError {
  override readonly name = "StreamBrokenError";

  constructor(what = "the reply broke off", cause?: unknown) {
    super(cause === undefined ? what : `${what}: ${systemCodesOf(cause)}`);
  }
}

/** The provider sent something that is not what its protocol says. */
export class ProtocolError extends ProviderError {
  override readonly name = "ProtocolError";
}

/** The provider's reply went on and on. */
export class ReplyTooLongError extends ProviderError {
  override readonly name = "ReplyTooLongError";

  constructor() {
    super("the reply is longer than it may be");
  }
}

/** A name as protocols have them, and no sentence. */
function nameOf(value: unknown): string | undefined {
  return typeof value === "string" && /^[a-z][\w.[\]-]{0,63}$/i.test(value) && !/^sk[-_]/i.test(value)
    ? value
    : undefined;
}

/** What the system calls an error and what caused it, from the outside in; not for ever, as an error may be its own cause. */
function systemCodesOf(error: unknown): string {
  const codes: string[] = [];
  let each = error;
  for (let depth = 0; typeof each === "object" && each !== null && depth < 8; depth++) {
    const { code, cause, errors } = each as { code?: unknown; cause?: unknown; errors?: unknown };
    if (typeof code === "string" && /^[A-Z][A-Z0-9_]{2,39}$/.test(code) && !codes.includes(code)) codes.push(code);
    // Of several addresses that were tried, the first.
    each = cause ?? (Array.isArray(errors) ? errors[0] : undefined);
  }
  return codes.length > 0 ? codes.join(", ") : "for a reason that has no name";
}
