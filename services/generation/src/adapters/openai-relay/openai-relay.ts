import type { KeyPool } from "@quartet/key-pool";
import { type Clocks, ErrorReply, failureOf, type ProviderClient, startClocks } from "@quartet/provider";
import { AnswererError } from "../../domain/answerer-error.ts";
import type { Chat, ChatRelay, RelayEvent } from "../../domain/relay/chat-relay.ts";
import { answererFailures } from "../openai-chat/provider-errors.ts";
import { refusalOf } from "./provider-refusal.ts";
import { type Relayed, relayOnce } from "./relay-attempt.ts";
import { createRelayBill } from "./relay-bill.ts";

export interface OpenAiRelayOptions {
  readonly provider: ProviderClient;
  readonly keys: KeyPool;
  /** The longest time for one reply, whatever the caller grants. */
  readonly totalTimeoutMs: number;
  /** To the first token of a stream, all attempts together. */
  readonly firstTokenTimeoutMs: number;
  /** Between the events of a stream, while a read is pending. */
  readonly stallTimeoutMs: number;
}

/** The pool's own limit never comes before the signal, which knows why it is aborted. */
const POOL_SLACK_MS = 1_000;
/** How long to wait, after the reply is whole, for the provider to tell what it costs. */
const USAGE_WAIT_MS = 1_000;

const encoder = new TextEncoder();

/** Passes chats on to any provider with OpenAI's protocol, in the provider's own words both ways. */
export function createOpenAiRelay(options: OpenAiRelayOptions): ChatRelay {
  const { provider, keys } = options;
  return {
    async *relay(chat, { signal: caller, timeoutMs = Infinity }): AsyncGenerator<RelayEvent> {
      const bill = createRelayBill(chat.body);
      const limits = limitsFor(chat, timeoutMs, options);
      const clocks = startClocks({ signal: caller, ...limits });
      const pieces = keys.stream<Relayed>((key, context) => relayOnce(key, context, { provider, chat, bill }), {
        signal: clocks.signal,
        deadlineMs: limits.totalMs + POOL_SLACK_MS,
      });
      try {
        yield* readPieces(pieces, clocks);
        yield { kind: "end", usage: bill.close() };
      } catch (error) {
        const usage = bill.close();
        if (clocks.expired !== undefined) throw new AnswererError({ failure: clocks.expired, usage, cause: error });
        if (caller.aborted) throw error;
        throw (error instanceof ErrorReply ? refusalOf(error) : undefined) ?? answererErrorOf(error, usage);
      } finally {
        clocks.stop();
        // For a caller who left: what was written until then is paid for.
        bill.close();
        // Not waited for: a read that is pending ends by the signal.
        void pieces.return().catch(() => undefined);
      }
    },
  };
}

/** A reply that is not streamed begins when it is whole. All end a little before the caller's deadline, so that why is still told in time. */
function limitsFor(
  { streamed }: Chat,
  timeoutMs: number,
  { totalTimeoutMs, firstTokenTimeoutMs, stallTimeoutMs }: OpenAiRelayOptions,
): { totalMs: number; firstTokenMs: number; stallMs: number } {
  const totalMs = Math.min(totalTimeoutMs, timeoutMs - Math.min(100, timeoutMs * 0.02));
  return { totalMs, firstTokenMs: streamed ? Math.min(firstTokenTimeoutMs, totalMs) : totalMs, stallMs: stallTimeoutMs };
}

async function* readPieces(pieces: AsyncIterator<Relayed, void>, clocks: Clocks): AsyncGenerator<RelayEvent> {
  let isWhole = false;
  for (;;) {
    const next = isWhole ? clocks.wait(pieces.next(), USAGE_WAIT_MS).catch(() => undefined) : clocks.wait(pieces.next());
    const piece = await next;
    if (piece === undefined || piece.done === true) return;
    clocks.begin();
    isWhole = piece.value.isWhole;
    yield { kind: "chunk", json: encoder.encode(piece.value.data) };
  }
}
