import type { GenerationService } from "@quartet/contracts/generation/v1/generation_service";
import { type Handler, principalOf } from "@quartet/rpc";
import { toRelayError, toRelayResponse } from "../convert-relay.ts";
import { ChatRefusedError } from "../domain/relay/chat-refused-error.ts";
import type { ChatRelay } from "../domain/relay/chat-relay.ts";
import { checkChat, type ChatRules } from "../domain/relay/chat-rules.ts";

export interface RelayChatOptions {
  /** Undefined: chats are not passed on. */
  readonly relay: ChatRelay | undefined;
  readonly rules: ChatRules;
}

/** Passes a chat on to the provider, and its reply back as it comes. */
export function createRelayChat({
  relay,
  rules,
}: RelayChatOptions): Handler<typeof GenerationService.method.relayChat> {
  return async function* relayChat({ body }, context) {
    try {
      if (relay === undefined) throw notEnabled();
      const { tenant } = principalOf(context);
      const options = { tenant, signal: context.signal, timeoutMs: context.timeoutMs() };
      for await (const event of relay.relay(checkChat(body, rules), options)) yield toRelayResponse(event);
    } catch (error) {
      throw toRelayError(error);
    }
  };
}

const notEnabled = () =>
  new ChatRefusedError({
    reason: "NOT_ENABLED",
    description: "Chats are not passed on here: no provider is configured, or QUARTET_RELAY_MODELS is none.",
  });
