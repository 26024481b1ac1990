import type { KeyPool } from "@quartet/key-pool";
import { StreamBrokenError } from "@quartet/provider";
import type { Bill } from "../bill.ts";
import { type ChatChunk, readChatChunk } from "./chat-chunk.ts";
import type { ChatClient, ChatRequest } from "./chat-client.ts";

export interface AnswerStreamOptions {
  readonly chat: ChatClient;
  readonly keys: KeyPool;
  readonly request: ChatRequest;
  readonly bill: Bill;
  /** Ends every attempt; aborted at the latest after `timeoutMs`. */
  readonly signal: AbortSignal;
  /** The pool waits for no key that returns later than this. */
  readonly timeoutMs: number;
  /** Whether it waits for one at all. */
  readonly waitsForKey: boolean;
}

/** The pool's own limit never comes before the signal, which knows why it is aborted. */
const POOL_SLACK_MS = 1_000;

/**
 * The chunks of an answer that hold text or the finish reason, which comes last. Attempts that fail before the first of
 * them are made again as the pool sees fit, and none after it. After the finish reason, the end of the iteration comes when
 * the provider has told the usage, or closes.
 *
 * @throws {StreamBrokenError} when there is no finish reason at the end.
 */
export function answerStream({ chat, keys, request, bill, signal, timeoutMs, waitsForKey }: AnswerStreamOptions) {
  return keys.stream<ChatChunk>(
    async function* attempt(apiKey, context) {
      bill.called(context);
      let finished = false;
      try {
        for await (const { value } of await chat.open(apiKey, request, context)) {
          const chunk = readChatChunk(value);
          if (chunk.usage !== undefined) bill.reported(chunk.usage);
          if (finished || !saysSomething(chunk)) continue;
          finished = chunk.finishReason !== undefined;
          yield chunk;
        }
        if (!finished) throw new StreamBrokenError("the stream ended without a finish_reason");
      } catch (error) {
        // After the finish reason the answer is whole, and nothing speaks against key or provider.
        if (finished) return;
        bill.failed(error);
        throw error;
      }
    },
    { signal, deadlineMs: timeoutMs + POOL_SLACK_MS, ...(waitsForKey ? {} : { maxRestWaitMs: 0 }) },
  );
}

const saysSomething = ({ text, refusal, finishReason }: ChatChunk) =>
  text !== "" || refusal !== "" || finishReason !== undefined;
