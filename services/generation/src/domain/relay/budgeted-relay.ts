import type { Budget } from "@quartet/budget";
import { setAside } from "../set-aside.ts";
import type { Chat, ChatRelay, RelayEvent, RelayOptions } from "./chat-relay.ts";

export interface BudgetedRelayOptions {
  /** Asks the model, and tells in `onUsage` what that was billed for. */
  readonly relay: ChatRelay;
  readonly budget: Pick<Budget, "reserve">;
}

/** Where neither client nor operator says how long a reply may be: as long as common models write at most. */
const OUTPUT_TOKENS_OF_ONE = 16_384;
/** What a provider puts around a chat, in tokens; its own JSON around each message is more than is put there instead. */
const TOKENS_AROUND_CHAT = 64;

/** Sets the most that a chat can cost aside before it is passed on, and settles what it came to: whole, broken off or given up by its reader. */
export function createBudgetedRelay({ relay, budget }: BudgetedRelayOptions): ChatRelay {
  const setAsideFor = (chat: Chat, { tenant, signal }: RelayOptions) => {
    const { model, body, choices, maxOutputTokens: outputTokens = OUTPUT_TOKENS_OF_ONE * choices } = chat;
    // A byte is the least that a token is made of.
    const inputTokens = body.byteLength + TOKENS_AROUND_CHAT;
    return setAside(budget, { tenant, model, inputTokens, outputTokens, signal });
  };
  return {
    complete: async (chat, options) => {
      const held = await setAsideFor(chat, options);
      try {
        return await relay.complete(chat, { ...options, onUsage: held.settle });
      } finally {
        held.release();
      }
    },
    async *stream(chat, options): AsyncGenerator<RelayEvent> {
      const held = await setAsideFor(chat, options);
      try {
        yield* relay.stream(chat, { ...options, onUsage: held.settle });
      } finally {
        held.release();
      }
    },
  };
}
