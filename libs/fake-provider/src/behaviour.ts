import type { FakeRequest } from "./fake-request.ts";

/** An error as OpenAI words it. */
export interface FakeError {
  readonly status: number;
  readonly type: string;
  readonly code: string | null;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** How a stream ends before its time. */
export interface FakeCut {
  /** After this many pieces of text. */
  readonly afterPieces: number;
  /**
   * `end`: the body ends well-formed, but without finish_reason and [DONE]. `fin`: the connection is closed in the middle of the body.
   * `reset`: the same without a FIN. `stall`: silence. `error`: an error event. `garbage`: an event that is no JSON.
   */
  readonly by: "end" | "fin" | "reset" | "stall" | "error" | "garbage";
}

/** How the provider answers. Everything is optional; without anything it answers well and at once. */
export interface FakeBehaviour {
  /** Answers with this error instead. */
  readonly error?: FakeError;
  /** Before anything is sent. Default: 0. */
  readonly delayMs?: number;
  /** Takes the request and never answers. */
  readonly hang?: boolean;
  /** Answers 200 with a page instead of JSON. */
  readonly html?: boolean;
  /** Response headers to add. */
  readonly headers?: Readonly<Record<string, string>>;

  /** The text of a chat answer, in pieces or to be cut at white space. Default: the first sentence of the first passage in the prompt, and [1]. */
  readonly answer?: string | readonly string[] | ((request: FakeRequest) => string | readonly string[]);
  /** Between the headers of a stream and its first piece. Default: 0. */
  readonly firstPieceMs?: number;
  /** Between its other pieces. Default: 0. */
  readonly pieceMs?: number;
  /** Default: `stop`. */
  readonly finishReason?: "stop" | "length" | "content_filter";
  readonly cut?: FakeCut;
  /** Repeats the answer until the client leaves. */
  readonly endless?: boolean;
  /** Default: `\n`. */
  readonly lineEnd?: "\n" | "\r\n";
  /** Sends a stream in writes of this many bytes, which splits characters. Default: whole events. */
  readonly writeBytes?: number;

  /** Length of vectors where the request does not say. Default: 64. */
  readonly dimensions?: number;
  /** `reordered` is allowed, since each vector has its index; the others are not. Default: `right`. */
  readonly vectors?: "right" | "reordered" | "fewer" | "shorter" | "not-finite";
}

/** What a key may do. */
export interface FakeKey extends FakeBehaviour {
  /** More requests than this in `perMs` get a 429 that says when to return. */
  readonly limit?: { readonly requests: number; readonly perMs: number };
}

/** The provider's errors, in its own words. */
export const providerErrors = {
  rateLimit: ({
    retryAfterMs,
    limit = 3,
  }: { readonly retryAfterMs?: number; readonly limit?: number } = {}): FakeError => ({
    status: 429,
    type: "requests",
    code: "rate_limit_exceeded",
    message:
      `Rate limit reached for fake-model in organization org-fake on requests per min (RPM): Limit ${limit}, Used ${limit}, Requested 1. ` +
      `Please try again in ${seconds(retryAfterMs ?? 20_000)}s.`,
    ...(retryAfterMs === undefined
      ? {}
      : { headers: { "retry-after": seconds(retryAfterMs), "retry-after-ms": String(Math.ceil(retryAfterMs)) } }),
  }),
  quota: (): FakeError => ({
    status: 429,
    type: "insufficient_quota",
    code: "insufficient_quota",
    message:
      "You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: " +
      "https://platform.openai.com/docs/guides/error-codes/api-errors.",
  }),
  /** As the provider does, it quotes a part of the key. */
  auth: (key: string): FakeError => ({
    status: 401,
    type: "invalid_request_error",
    code: "invalid_api_key",
    message:
      `Incorrect API key provided: ${key.slice(0, 8)}${"*".repeat(8)}${key.slice(-4)}. ` +
      "You can find your API key at https://platform.openai.com/account/api-keys.",
  }),
  server: (status: 500 | 502 | 503 | 504 = 500): FakeError => ({
    status,
    type: "server_error",
    code: null,
    message: "The server had an error while processing your request. Sorry about that!",
  }),
  badRequest: (message: string): FakeError => ({ status: 400, type: "invalid_request_error", code: null, message }),
  notFound: (message: string): FakeError => ({ status: 404, type: "invalid_request_error", code: null, message }),
} as const;

const seconds = (ms: number): string => String(Math.ceil(ms / 1_000));
