import type { HandlerContext } from "@connectrpc/connect";
import type { GenerationService } from "@quartet/contracts/generation/v1/generation_service";
import { type Handler, principalOf } from "@quartet/rpc";
import { toRelayError, toRelayEvent, toRelayResponse } from "../convert-relay.ts";
import { ChatRefusedError } from "../domain/relay/chat-refused-error.ts";
import type { ChatRelay, RelayOptions } from "../domain/relay/chat-relay.ts";
import { checkChat, type ChatRules } from "../domain/relay/chat-rules.ts";

export interface RelayHandlersOptions {
  /** Undefined: chats are not passed on. */
  readonly relay: ChatRelay | undefined;
  readonly rules: ChatRules;
}

type Methods = typeof GenerationService.method;

export interface RelayHandlers {
  readonly relayChat: Handler<Methods["relayChat"]>;
  readonly streamRelayChat: Handler<Methods["streamRelayChat"]>;
}

/** Passes chats on to the provider, and its replies back: whole, or as they come. */
export function createRelayHandlers({ relay: given, rules }: RelayHandlersOptions): RelayHandlers {
  const enabled = (): ChatRelay => {
    if (given === undefined) throw notEnabled();
    return given;
  };
  const read = (body: Uint8Array, { streamed }: { readonly streamed: boolean }) => {
    const chat = checkChat(body, rules);
    if (chat.streamed !== streamed) throw otherwiseAsked(streamed);
    return chat;
  };
  return {
    async relayChat({ body }, context) {
      try {
        const relay = enabled();
        return toRelayResponse(await relay.complete(read(body, { streamed: false }), optionsOf(context)));
      } catch (error) {
        throw toRelayError(error);
      }
    },
    async *streamRelayChat({ body }, context) {
      try {
        const relay = enabled();
        const events = relay.stream(read(body, { streamed: true }), optionsOf(context));
        for await (const event of events) yield toRelayEvent(event);
      } catch (error) {
        throw toRelayError(error);
      }
    },
  };
}

const optionsOf = (context: HandlerContext): RelayOptions => ({
  tenant: principalOf(context).tenant,
  signal: context.signal,
  timeoutMs: context.timeoutMs(),
});

const notEnabled = () =>
  new ChatRefusedError({
    reason: "NOT_ENABLED",
    description: "Chats are not passed on here: no provider is configured, or QUARTET_RELAY_MODELS is none.",
  });

const otherwiseAsked = (streamed: boolean) =>
  new ChatRefusedError({
    reason: "FIELD_INVALID",
    field: "stream",
    description: streamed
      ? "must be true for StreamRelayChat; else call RelayChat"
      : "must not be true for RelayChat; else call StreamRelayChat",
  });
