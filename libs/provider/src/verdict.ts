import { httpVerdict, type KeyVerdict, NoKeyAvailableError, type NoKeyReason, restMsOf } from "@quartet/key-pool";
import { CircuitOpenError } from "@quartet/resilience";
import { ConnectionError, ErrorReply, ProtocolError, ReplyTooLongError, StreamBrokenError } from "./errors.ts";

/** What a failed attempt says about its key: whether another attempt makes sense, and with which. */
export function classify(error: unknown): KeyVerdict {
  if (error instanceof ConnectionError || error instanceof StreamBrokenError) return { kind: "server" };
  if (!(error instanceof ErrorReply) || error.status !== undefined) return httpVerdict(error);
  // Told within the stream.
  if (error.code === "insufficient_quota" || error.type === "insufficient_quota") return { kind: "quota" };
  return { kind: error.code === "rate_limit_exceeded" ? "rate-limit" : "server" };
}

/** Why a provider gave nothing, or not all of it, for whoever has to tell it. */
export type ProviderFailureKind =
  /** Every key rests. */
  | "rate-limit"
  /** Every key is out of quota. */
  | "quota"
  /** Every key was refused, or the key may not do this. */
  | "auth"
  /** The provider does not take what it was sent: a wrong address, model or limit, which another attempt does not change. */
  | "rejected"
  /** It cannot be reached, or fails. */
  | "unavailable"
  /** The reply broke off. */
  | "truncated"
  /** The reply is not what the protocol says, or has no end. */
  | "protocol";

export interface ProviderFailure {
  readonly kind: ProviderFailureKind;
  /** When a key returns, or the provider is tried again, as far as known. */
  readonly retryDelayMs?: number | undefined;
  /** Where the provider answered with one. */
  readonly status?: number | undefined;
}

const withoutKey: Readonly<Record<NoKeyReason, ProviderFailureKind>> = {
  resting: "rate-limit",
  "out-of-quota": "quota",
  refused: "auth",
};

const withVerdict: Readonly<Record<KeyVerdict["kind"], ProviderFailureKind>> = {
  auth: "auth",
  forbidden: "auth",
  quota: "quota",
  "rate-limit": "rate-limit",
  server: "unavailable",
  other: "rejected",
};

/** What an error of the key pool, its breaker or the provider means; undefined for one that is neither's, such as an abort. */
export function failureOf(error: unknown): ProviderFailure | undefined {
  if (error instanceof NoKeyAvailableError) return { kind: withoutKey[error.kind], retryDelayMs: error.retryAfterMs };
  if (error instanceof ProtocolError || error instanceof ReplyTooLongError) return { kind: "protocol" };
  if (error instanceof StreamBrokenError) return { kind: "truncated" };
  if (error instanceof ConnectionError) return { kind: "unavailable" };
  if (error instanceof CircuitOpenError) return { kind: "unavailable", retryDelayMs: error.retryAfterMs };
  if (!(error instanceof ErrorReply)) return undefined;
  const { status, headers } = error;
  // The provider gave up waiting.
  if (status === 408) return { kind: "unavailable", status };
  const kind = withVerdict[classify(error).kind];
  const retryDelayMs = kind === "rate-limit" && headers !== undefined ? restMsOf(headers) : undefined;
  return { kind, status, retryDelayMs };
}
