import type { ConfigOf } from "../config/parse-env.ts";
import { variable } from "../config/variable.ts";

/** Which chats are passed on to the provider: read by the service that does it, and by the gateway, which tells clients. */
export const relayVariables = {
  relayModels: variable.list("QUARTET_RELAY_MODELS", {
    default: [],
    doc: "Models of the provider to which POST /v1/chat/completions passes chats on; without any, all of them; none switches it off.",
  }),
} as const;

/** The models to which chats are passed on; "any", or none of them. */
export function relayedModels({ relayModels }: ConfigOf<typeof relayVariables>): readonly string[] | "any" {
  if (relayModels.length === 0) return "any";
  return relayModels.length === 1 && relayModels[0] === "none" ? [] : relayModels;
}
