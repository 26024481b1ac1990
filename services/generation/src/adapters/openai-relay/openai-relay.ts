import type { KeyPool } from "@quartet/key-pool";
import { type Clocks, type ClocksOptions, ErrorReply, type ProviderClient, startClocks } from "@quartet/provider";
import type { Usage } from "../../domain/answerer.ts";
import { AnswererError } from "../../domain/answerer-error.ts";
import type { Chat, ChatRelay, RelayEvent } from "../../domain/relay/chat-relay.ts";
import type { CostOf } from "../bill.ts";
import type { Pace } from "../pace.ts";
import { failureOf } from "../openai-chat/provider-errors.ts";
import { refusalOf } from "./provider-refusal.ts";
import { type Relayed, relayOnce } from "./relay-attempt.ts";
import { createRelayBill } from "./relay-bill.ts";

export interface OpenAiRelayOptions {
  readonly client: ProviderClient;
  readonly keys: KeyPool;
  readonly pace: Pace;
  /** The longest time for one reply, whatever the caller grants. */
  readonly totalTimeoutMs: number;
  /** To the first token of a stream, all attempts together. */
  readonly firstTokenTimeoutMs: number;
  /** Between the events of a stream, while a read is pending. */
  readonly stallTimeoutMs: number;
  /** What tokens of a model cost, in billionths of a US dollar. Default: nobody knows. */
  readonly costOf?: ((model: string, tokens: Parameters<CostOf>[0]) => number | undefined) | undefined;
}

/** The pool's own limit never comes before the signal, which knows why it is aborted. */
const POOL_SLACK_MS = 1_000;
/** How long to wait, after the reply is whole, for the provider to tell what it costs. */
const USAGE_WAIT_MS = 1_000;

const encoder = new TextEncoder();

/** Passes chats on to any provider with OpenAI's protocol, in the provider's own words both ways. */
export function createOpenAiRelay(options: OpenAiRelayOptions): ChatRelay {
  const { client, keys, pace, costOf } = options;
  return {
    async *relay(chat, { signal: caller, timeoutMs = Infinity, onUsage }): AsyncGenerator<RelayEvent> {
      const bill = createRelayBill(chat.body, costOf && ((usage) => costOf(chat.model, usage)));
      const limits = limitsFor(chat, timeoutMs, options);
      const clocks = startClocks({ signal: caller, ...limits });
      const pieces = keys.stream<Relayed>((key, context) => relayOnce(key, context, { client, chat, bill, pace }), {
        signal: clocks.signal,
        deadlineMs: limits.totalMs + POOL_SLACK_MS,
        model: chat.model,
      });
      try {
        yield* readPieces(pieces, clocks);
        yield { kind: "end", usage: bill.close() };
      } catch (error) {
        throw relayErrorOf(error, { clocks, caller, usage: bill.close() });
      } finally {
        clocks.stop();
        // Also for a caller who left: what was written until then is paid for.
        const usage = bill.close();
        if (usage.calls > 0) onUsage?.(usage);
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
): Omit<ClocksOptions, "signal"> {
  const totalMs = Math.min(totalTimeoutMs, timeoutMs - Math.min(100, timeoutMs * 0.02));
  return {
    totalMs,
    firstTokenMs: streamed ? Math.min(firstTokenTimeoutMs, totalMs) : totalMs,
    stallMs: stallTimeoutMs,
  };
}

async function* readPieces(
  pieces: AsyncIterator<Relayed, void>,
  clocks: Clocks,
): AsyncGenerator<RelayEvent, void, undefined> {
  for (let isWhole = false; ;) {
    const piece: IteratorResult<Relayed, void> = isWhole
      ? await clocks.wait(pieces.next(), USAGE_WAIT_MS).catch(nothingMore)
      : await clocks.wait(pieces.next());
    if (piece.done === true) return;
    clocks.begin();
    isWhole ||= piece.value.isWhole;
    yield { kind: "chunk", json: encoder.encode(piece.value.data) };
  }
}

/** The reply is whole: nothing that goes wrong while its usage is awaited matters any more. */
const nothingMore = (): IteratorResult<Relayed, void> => ({ done: true, value: undefined });

interface Failing {
  readonly clocks: Clocks;
  readonly caller: AbortSignal;
  readonly usage: Usage;
}

/** Decides what a failure is. A caller who left, and defects of our own, pass through. */
function relayErrorOf(error: unknown, { clocks, caller, usage }: Failing): unknown {
  if (clocks.expired !== undefined) return new AnswererError({ failure: clocks.expired, usage, cause: error });
  if (caller.aborted) return error;
  const refusal = error instanceof ErrorReply ? refusalOf(error) : undefined;
  if (refusal !== undefined) return refusal;
  const failure = failureOf(error);
  return failure === undefined ? error : new AnswererError({ ...failure, usage, cause: error });
}
