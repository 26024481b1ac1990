import type { ConnectError } from "@connectrpc/connect";
import { factsOf, reasonOf, reasonTextOf, type Reason, retryDelayMsOf, violationsOf } from "@quartet/errors";
import type { EndpointFailure, HttpResponse } from "@quartet/rpc";
import { eventOf } from "./events.ts";

/** An error as OpenAI words it, with Quartet's own reason beside it. */
interface OpenAiError {
  readonly error: {
    readonly message: string;
    readonly type: string;
    /** The field at fault. */
    readonly param: string | null;
    /** What programs look at; OpenAI's own names where it has one. */
    readonly code: string | null;
    /** As in the contract's registry. */
    readonly reason: string | null;
  };
}

interface OpenAiFailure {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: OpenAiError;
}

/** Where OpenAI has another status for it than Connect. */
const statuses: Partial<Record<Reason, number>> = {
  MODEL_UNKNOWN: 404,
  NOT_ENABLED: 404,
  // The caller's own credential is well; the operator must act.
  LLM_AUTH: 503,
};

const codes: Partial<Record<Reason, string>> = {
  CREDENTIAL_INVALID: "invalid_api_key",
  ROLE_MISSING: "insufficient_permissions",
  MODEL_UNKNOWN: "model_not_found",
  NOT_ENABLED: "model_not_found",
  OVERLOADED: "rate_limit_exceeded",
  LLM_RATE_LIMIT: "rate_limit_exceeded",
  LLM_QUOTA: "insufficient_quota",
  BUDGET_EXHAUSTED: "insufficient_quota",
  MESSAGE_TOO_LARGE: "request_too_large",
};

/** Waiting a little and trying again, as OpenAI's clients do by themselves, does not help here. */
const lasting: ReadonlySet<string | undefined> = new Set<Reason>([
  "LLM_QUOTA",
  "LLM_AUTH",
  "BUDGET_EXHAUSTED",
  "INTERNAL",
]);

/** The error of a call in OpenAI's form. */
function toOpenAiFailure({ error, status: given }: EndpointFailure): OpenAiFailure {
  const reason = reasonOf(error);
  const status = (reason && statuses[reason]) ?? given;
  const delayMs = retryDelayMsOf(error);
  return {
    status,
    headers: {
      ...(delayMs !== undefined && {
        "retry-after": String(Math.ceil(delayMs / 1000)),
        "retry-after-ms": String(Math.ceil(delayMs)),
      }),
      ...(lasting.has(reason) && { "x-should-retry": "false" }),
    },
    body: {
      error: {
        message: error.rawMessage,
        type: typeOf(status, reason),
        param: violationsOf(error)[0]?.field || (reason === "MODEL_UNKNOWN" ? "model" : null),
        code: codeOf(error, reason),
        reason: reasonTextOf(error) ?? null,
      },
    },
  };
}

/** Before the first byte the status tells; after it an event that says what is wrong, and no `[DONE]`. */
export function failAsOpenAi(failure: EndpointFailure, response: HttpResponse): void {
  const { status, headers, body } = toOpenAiFailure(failure);
  const json = JSON.stringify(body);
  if (response.headersSent) return void response.end(eventOf(json));
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.setHeader("content-type", "application/json");
  response.end(json);
}

function codeOf(error: ConnectError, reason: Reason | undefined): string | null {
  const told = factsOf(error)["providerCode"];
  return told ?? (reason && (codes[reason] ?? reason.toLowerCase())) ?? null;
}

function typeOf(status: number, reason: Reason | undefined): string {
  if (reason === "LLM_QUOTA" || reason === "BUDGET_EXHAUSTED") return "insufficient_quota";
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 408:
    case 504:
      return "timeout_error";
    case 429:
      return "rate_limit_error";
    default:
      return status < 500 ? "invalid_request_error" : "server_error";
  }
}
