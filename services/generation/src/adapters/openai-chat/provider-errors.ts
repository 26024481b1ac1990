import { httpVerdict, type KeyVerdict, NoKeyAvailableError, type NoKeyReason, restMsOf } from "@quartet/key-pool";
import { APIError } from "openai";
import type { AnswererFailure } from "../../domain/answerer-error.ts";
import { ReplyTooLongError } from "./bounded-fetch.ts";
import { ProtocolError } from "./chat-chunk.ts";

/** The connection broke while streaming, or the stream ended without saying why the text ended. */
export class StreamBrokenError extends Error {
  override readonly name = "StreamBrokenError";
}

/** What a failed attempt says about its key: whether another attempt makes sense, and with which. */
export function classify(error: unknown): KeyVerdict {
  if (error instanceof StreamBrokenError) return { kind: "server" };
  if (!(error instanceof APIError) || error.status !== undefined) return httpVerdict(error);
  // Without a status it is a connection that was never made, or an error told within the stream.
  if (error.code === "insufficient_quota") return { kind: "quota" };
  return { kind: error.code === "rate_limit_exceeded" ? "rate-limit" : "server" };
}

interface Failure {
  readonly failure: AnswererFailure;
  readonly retryDelayMs?: number | undefined;
}

const withoutKey: Readonly<Record<NoKeyReason, AnswererFailure>> = {
  resting: "LLM_RATE_LIMIT",
  "out-of-quota": "LLM_QUOTA",
  refused: "LLM_AUTH",
};

/** What an error of the pool or the provider means for the answer; undefined for one that is neither's. */
export function failureOf(error: unknown): Failure | undefined {
  if (error instanceof NoKeyAvailableError) {
    return { failure: withoutKey[error.kind], retryDelayMs: error.retryAfterMs };
  }
  if (error instanceof ProtocolError || error instanceof SyntaxError || error instanceof ReplyTooLongError) {
    return { failure: "LLM_PROTOCOL" };
  }
  if (error instanceof StreamBrokenError) return { failure: "STREAM_TRUNCATED" };
  return error instanceof APIError ? failureOfApi(error as APIError) : undefined;
}

function failureOfApi(error: APIError): Failure {
  const { status, headers } = error;
  if (status === 403) return { failure: "LLM_AUTH" };
  switch (classify(error).kind) {
    case "auth":
      return { failure: "LLM_AUTH" };
    case "quota":
      return { failure: "LLM_QUOTA" };
    case "rate-limit":
      return { failure: "LLM_RATE_LIMIT", retryDelayMs: headers === undefined ? undefined : restMsOf(headers) };
    case "server":
      return { failure: "LLM_UNAVAILABLE" };
    case "other":
      // The provider does not take what it was sent: a wrong address, model or limit, which another attempt does not change.
      return { failure: "LLM_PROTOCOL" };
  }
}

/** The error as it may be logged: of the provider's own words only its code, because its sentences quote keys and prompts. */
export function loggable(error: unknown): unknown {
  if (!(error instanceof APIError)) return error;
  const { status, code, cause } = error as APIError;
  const facts = [`status ${status ?? "none"}`, ...(code ? [`code ${code}`] : [])].join(", ");
  return new Error(`the model provider failed: ${facts}`, status === undefined ? { cause } : {});
}
