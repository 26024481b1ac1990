import type { KeyPool } from "@quartet/key-pool";
import { type ReplyJson, StreamBrokenError } from "@quartet/provider";
import type { Bill } from "../bill.ts";
import type { Pace } from "../pace.ts";
import { pacedEvents } from "../paced-events.ts";
import { POOL_SLACK_MS } from "../time-limits.ts";
import { type ChatChunk, readChatChunk } from "./chat-chunk.ts";
import type { ChatClient, ChatRequest } from "./chat-client.ts";

export interface AnswerStreamOptions {
  readonly chat: ChatClient;
  readonly keys: KeyPool;
  readonly pace: Pace;
  readonly request: ChatRequest;
  readonly bill: Bill;
  /** Ends every attempt; aborted at the latest after `timeoutMs`. */
  readonly signal: AbortSignal;
  /** The pool waits for no key that returns later than this. */
  readonly timeoutMs: number;
  /** Whether it waits for one at all. */
  readonly waitsForKey: boolean;
}

/**
 * The chunks of an answer that hold text or the finish reason, which comes last. Attempts that fail before the first of
 * them are made again as the pool sees fit, and none after it. After the finish reason, the end of the iteration comes when
 * the provider has told the usage, or closes.
 *
 * @throws {StreamBrokenError} when there is no finish reason at the end.
 */
export function answerStream(options: AnswerStreamOptions) {
  const { chat, keys, pace, request, bill, signal, timeoutMs, waitsForKey } = options;
  return keys.stream<ChatChunk>(
    async function* attempt(apiKey, context) {
      bill.called(context);
      const call = { ...context, sent: () => bill.sent() };
      const paced = pace.begin();
      let finished = false;
      try {
        for await (const events of pacedEvents(await chat.open(apiKey, request, call), paced)) {
          const chunk = readTogether(events, bill);
          if (finished || !saysSomething(chunk)) continue;
          finished = chunk.finishReason !== undefined;
          paced.went();
          yield chunk;
        }
        if (!finished) throw new StreamBrokenError("the stream ended without a finish_reason");
      } catch (error) {
        // After the finish reason the answer is whole, and nothing speaks against key or provider.
        if (finished) return;
        bill.failed(error);
        throw error;
      } finally {
        paced.end();
      }
    },
    { signal, deadlineMs: timeoutMs + POOL_SLACK_MS, ...(waitsForKey ? {} : { maxRestWaitMs: 0 }) },
  );
}

/** What events say together, up to the finish reason; the usage comes behind it. */
function readTogether(events: readonly ReplyJson[], bill: Bill): ChatChunk {
  let all: ChatChunk = { text: "", refuses: false };
  for (const { value } of events) {
    const { usage, ...chunk } = readChatChunk(value);
    if (usage !== undefined) bill.reported(usage);
    if (all.finishReason !== undefined) continue;
    all = { ...chunk, text: all.text + chunk.text, refuses: all.refuses || chunk.refuses };
  }
  return all;
}

const saysSomething = ({ text, finishReason }: ChatChunk) => text !== "" || finishReason !== undefined;
