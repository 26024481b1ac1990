import type { KeyPool } from "@quartet/key-pool";
import { type Clocks, type ClocksOptions, ErrorReply, type ProviderClient, startClocks } from "@quartet/provider";
import type { Chat, ChatRelay, RelayEvent, RelayOptions } from "../../domain/relay/chat-relay.ts";
import type { CostOf } from "../bill.ts";
import type { Pace } from "../pace.ts";
import { answererErrorOf } from "../provider-errors.ts";
import { limitsWithin, POOL_SLACK_MS, type TimeLimits, USAGE_WAIT_MS } from "../time-limits.ts";
import { refusalOf } from "./provider-refusal.ts";
import { type Relayed, relayEvents, relayWhole } from "./relay-attempt.ts";
import { createRelayBill } from "./relay-bill.ts";

export interface OpenAiRelayOptions extends TimeLimits {
  readonly client: ProviderClient;
  readonly keys: KeyPool;
  readonly pace: Pace;
  /** The longest reply that is not streamed; one that is has the client's limit. */
  readonly maxWholeReplyBytes: number;
  /** What tokens of a model cost, in billionths of a US dollar. Default: nobody knows. */
  readonly costOf?: ((model: string, tokens: Parameters<CostOf>[0]) => number | undefined) | undefined;
}

const encoder = new TextEncoder();

/** Passes chats on to any provider with OpenAI's protocol, in the provider's own words both ways. */
export function createOpenAiRelay(options: OpenAiRelayOptions): ChatRelay {
  const { client, keys, pace, costOf, maxWholeReplyBytes: maxReplyBytes } = options;
  const begin = (chat: Chat, { signal: caller, timeoutMs = Infinity, onUsage }: RelayOptions) => {
    const bill = createRelayBill(chat.body, costOf && ((usage) => costOf(chat.model, usage)));
    const limits = limitsFor(chat, timeoutMs, options);
    const clocks = startClocks({ signal: caller, ...limits });
    return {
      clocks,
      attempt: { client, chat, bill },
      call: { signal: clocks.signal, deadlineMs: limits.totalMs + POOL_SLACK_MS, model: chat.model },
      usage: () => bill.close(),
      failureOf: (error: unknown): unknown => {
        const refusal = error instanceof ErrorReply ? refusalOf(error) : undefined;
        return refusal ?? answererErrorOf(error, { clocks, caller, usage: bill.close() });
      },
      /** Also for a caller who left: what was written until then is paid for. */
      end: () => {
        clocks.stop();
        const usage = bill.close();
        if (usage.calls > 0) onUsage?.(usage);
      },
    };
  };
  return {
    complete: async (chat, given) => {
      const { clocks, attempt, call, usage, failureOf, end } = begin(chat, given);
      try {
        const asked = keys.run((key, context) => relayWhole(key, context, { ...attempt, maxReplyBytes }), call);
        const reply = await clocks.wait(asked);
        return { json: encoder.encode(reply), usage: usage() };
      } catch (error) {
        throw failureOf(error);
      } finally {
        end();
      }
    },
    async *stream(chat, given): AsyncGenerator<RelayEvent> {
      const { clocks, attempt, call, usage, failureOf, end } = begin(chat, given);
      try {
        const pieces = keys.stream<Relayed>((key, context) => relayEvents(key, context, { ...attempt, pace }), call);
        for await (const { data } of readPieces(pieces, clocks)) yield { kind: "chunk", json: encoder.encode(data) };
        yield { kind: "end", usage: usage() };
      } catch (error) {
        throw failureOf(error);
      } finally {
        end();
      }
    },
  };
}

/** A reply that is not streamed begins when it is whole. */
function limitsFor({ streamed }: Chat, timeoutMs: number, options: TimeLimits): Omit<ClocksOptions, "signal"> {
  const limits = limitsWithin(timeoutMs, options);
  return streamed ? limits : { ...limits, firstTokenMs: limits.totalMs };
}

async function* readPieces(
  pieces: AsyncIterator<Relayed, void>,
  clocks: Clocks,
): AsyncGenerator<Relayed, void, undefined> {
  try {
    for (let isWhole = false; ;) {
      const piece: IteratorResult<Relayed, void> = isWhole
        ? await clocks.wait(pieces.next(), USAGE_WAIT_MS).catch(nothingMore)
        : await clocks.wait(pieces.next());
      if (piece.done === true) return;
      clocks.begin();
      isWhole ||= piece.value.isWhole;
      yield piece.value;
    }
  } finally {
    // Not waited for: a read that is pending ends by the clocks' signal.
    void pieces.return?.().catch(() => undefined);
  }
}

/** The reply is whole: nothing that goes wrong while its usage is awaited matters any more. */
const nothingMore = (): IteratorResult<Relayed, void> => ({ done: true, value: undefined });
