import type { ConfigOf } from "../config/parse-env.ts";
import { variable } from "../config/variable.ts";

/** How a service that asks a model reaches its provider, under the names that users know. */
export const providerVariables = {
  apiKeys: variable.numberedSecrets("OPENAI_API_KEY", {
    doc: "Keys of the model provider, used in turn.",
  }),
  baseUrl: variable.url("OPENAI_BASE_URL", {
    optional: true,
    doc: "Where the OpenAI-compatible provider answers, with its /v1; without it, OpenAI itself.",
  }),
  connections: variable.integer("OPENAI_CONNECTION_POOL_SIZE", {
    default: 128,
    min: 1,
    max: 1_024,
    doc: "Connections kept to the model provider at most; a stream holds one, or over HTTP/2 shares it with up to a hundred.",
  }),
} as const;

/** Whether there is a provider to ask: a model server on the own machine needs no key. */
export function hasProvider({
  apiKeys,
  baseUrl,
}: Pick<ConfigOf<typeof providerVariables>, "apiKeys" | "baseUrl">): boolean {
  return apiKeys.length > 0 || baseUrl !== undefined;
}
