import { checkKey, type KeyVerdict } from "../adapters/probe-server.ts";
import type { Config } from "../config.ts";
import { type Check, fail, ok, warn } from "../domain/check.ts";

const providerUrl = "https://api.openai.com/v1";

/** Whether each key is accepted, without spending anything; a key is named by its variable, never shown. */
export async function checkKeys({ modelKeys, modelBaseUrl }: Config, signal: AbortSignal): Promise<Check[]> {
  if (modelKeys.length === 0) {
    const without = modelBaseUrl ? "none set; OPENAI_BASE_URL is asked without one" : "none set; no model is needed";
    return [ok("keys", `${without}`)];
  }
  const where = modelBaseUrl ?? providerUrl;
  const checks = modelKeys.map(async ({ variable, key }) => verdictOf(variable, await checkKey(where, key, signal)));
  return await Promise.all(checks);
}

function verdictOf(variable: string, verdict: KeyVerdict): Check {
  switch (verdict) {
    case "accepted":
      return ok(variable, "accepted by the provider");
    case "refused":
      return fail(variable, "refused by the provider", `Put a valid key into ${variable}, or remove the variable.`);
    case "resting":
      return warn(
        variable,
        "at its rate limit just now",
        "Wait, or add keys as OPENAI_API_KEY_1, OPENAI_API_KEY_2, ...",
      );
    case "unreachable":
      return warn(variable, "the provider cannot be reached", "Check the network and OPENAI_BASE_URL.");
    case "unclear":
      return warn(
        variable,
        "the provider does not list models",
        "Check OPENAI_BASE_URL; it ends with /v1 for most providers.",
      );
  }
}
