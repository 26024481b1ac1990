import type { ConfigOf } from "../config/parse-env.ts";
import { variable } from "../config/variable.ts";

/** Which chats are passed on to the provider: read by the service that does it, and by the gateway, which tells clients. */
export const relayVariables = {
  relayModels: variable.list("QUARTET_RELAY_MODELS", {
    default: ["any"],
    doc: "Models of the provider to which POST /v1/chat/completions passes chats on; any is all of them, none switches it off.",
  }),
} as const;

/** The longest reply of a chat that is passed on and not streamed. It travels as one message, which must fit what both services take. */
export const MAX_RELAYED_REPLY_BYTES = 64 * 1024 ** 2;
export const MAX_RELAY_MESSAGE_BYTES = MAX_RELAYED_REPLY_BYTES + 64 * 1024;

/** The models to which chats are passed on; empty where none are. */
export function relayedModels({ relayModels }: ConfigOf<typeof relayVariables>): readonly string[] | "any" {
  if (relayModels.includes("any")) return "any";
  return relayModels.filter((model) => model !== "none");
}
