import { type FakeError, providerErrors } from "./provider-errors.ts";

const DEFAULT_RETRY_AFTER_MS = 20_000;

/** Errors that have a name in JSON, mostly their code. */
export function namedErrors(retryAfterMs = DEFAULT_RETRY_AFTER_MS): Readonly<Record<string, FakeError>> {
  return {
    rate_limit_exceeded: providerErrors.rateLimit({ retryAfterMs }),
    insufficient_quota: providerErrors.quota(),
    invalid_api_key: providerErrors.auth("sk-faked-key"),
    context_length_exceeded: providerErrors.contextLength(8_192, 9_000),
    model_not_found: providerErrors.modelNotFound("fake-model"),
    server_error: providerErrors.server(500),
    overloaded: providerErrors.overloaded(),
  };
}
