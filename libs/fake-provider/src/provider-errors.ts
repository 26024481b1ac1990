import { wordDuration } from "./durations.ts";

/** An error as OpenAI words it. */
export interface FakeError {
  readonly status: number;
  readonly type: string;
  readonly code: string | null;
  readonly message: string;
  /** The field of the request that it is about. */
  readonly param?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a limit is on, as the provider says it. */
export type LimitedBy = "requests" | "tokens" | "concurrent";

export interface RateLimitFacts {
  /** When to return. Undefined: it does not say so in headers. */
  readonly retryAfterMs?: number;
  readonly by?: LimitedBy;
  readonly limit?: number;
  readonly used?: number;
  readonly requested?: number;
  readonly model?: string;
  readonly organization?: string;
}

const limitNames: Readonly<Record<LimitedBy, string>> = {
  requests: "requests per min (RPM)",
  tokens: "tokens per min (TPM)",
  concurrent: "concurrent requests",
};

const limitsPage = "Visit https://platform.openai.com/account/rate-limits to learn more.";

function rateLimit({
  retryAfterMs,
  by = "requests",
  limit = 3,
  used = limit,
  requested = 1,
  model = "fake-model",
  organization = "org-fake",
}: RateLimitFacts = {}): FakeError {
  return {
    status: 429,
    type: by === "tokens" ? "tokens" : "requests",
    code: "rate_limit_exceeded",
    message:
      `Rate limit reached for ${model} in organization ${organization} on ${limitNames[by]}: ` +
      `Limit ${limit}, Used ${used}, Requested ${requested}. ` +
      `Please try again in ${wordDuration(retryAfterMs ?? 20_000)}. ${limitsPage}`,
    ...(retryAfterMs === undefined ? {} : { headers: retryHeaders(retryAfterMs) }),
  };
}

const retryHeaders = (ms: number) => ({
  "retry-after": String(Math.ceil(ms / 1_000)),
  "retry-after-ms": String(Math.ceil(ms)),
});

const badRequest = (message: string, param?: string, code: string | null = null): FakeError => ({
  status: 400,
  type: "invalid_request_error",
  code,
  message,
  ...(param === undefined ? {} : { param }),
});

const notFound = (message: string): FakeError => ({ status: 404, type: "invalid_request_error", code: null, message });

const unauthenticated = (message: string, code: string | null): FakeError => ({
  status: 401,
  type: "invalid_request_error",
  code,
  message,
});

/** The provider's errors, in its own words. */
export const providerErrors = {
  rateLimit,
  /** One request that is more than a whole window has room for: waiting does not help. */
  tooLargeForLimit: ({
    limit = 0,
    requested = 0,
    model = "fake-model",
    organization = "org-fake",
  }: RateLimitFacts) => ({
    status: 429,
    type: "tokens",
    code: "rate_limit_exceeded",
    message:
      `Request too large for ${model} in organization ${organization} on ${limitNames.tokens}: Limit ${limit}, Requested ${requested}. ` +
      `The input or output tokens must be reduced in order to run successfully. ${limitsPage}`,
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
  auth: (key: string): FakeError =>
    unauthenticated(
      `Incorrect API key provided: ${key.slice(0, 8)}${"*".repeat(8)}${key.slice(-4)}. ` +
        "You can find your API key at https://platform.openai.com/account/api-keys.",
      "invalid_api_key",
    ),
  noKey: (): FakeError =>
    unauthenticated(
      "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth " +
        "(i.e. Authorization: Bearer YOUR_KEY). You can obtain an API key from https://platform.openai.com/account/api-keys.",
      null,
    ),
  server: (status: 500 | 502 | 503 | 504 = 500): FakeError => ({
    status,
    type: "server_error",
    code: null,
    message: "The server had an error while processing your request. Sorry about that!",
  }),
  overloaded: (): FakeError => ({
    status: 503,
    type: "server_error",
    code: null,
    message:
      "That model is currently overloaded with other requests. You can retry your request, or contact us through our help center " +
      "at help.openai.com if the error persists.",
  }),
  badRequest,
  contextLength: (limit: number, tokens: number): FakeError =>
    badRequest(
      `This model's maximum context length is ${limit} tokens. However, your messages resulted in ${tokens} tokens. ` +
        "Please reduce the length of the messages.",
      "messages",
      "context_length_exceeded",
    ),
  notFound,
  modelNotFound: (model: string): FakeError => ({
    ...notFound(`The model \`${model}\` does not exist or you do not have access to it.`),
    code: "model_not_found",
  }),
} as const;
