import type { KeyPool } from "@quartet/key-pool";
import { type Clocks, ProtocolError, startClocks } from "@quartet/provider";
import type {
  Answerer,
  AnswerEnd,
  AnswerEvent,
  Degradation,
  FinishReason,
  Passage,
  Usage,
} from "../../domain/answerer.ts";
import { type AnswerTextStream, createAnswerText } from "../../domain/answer-text.ts";
import { createKnownLinks } from "../../domain/known-links.ts";
import { modelCitations } from "../../domain/model-citations.ts";
import { noAnswerText } from "../../domain/no-answer.ts";
import { answerPrompt, promptVersion } from "../../domain/prompt.ts";
import { estimateTokens } from "../../domain/token-estimate.ts";
import { type CostOf, createBill } from "../bill.ts";
import type { Pace } from "../pace.ts";
import { answererErrorOf } from "../provider-errors.ts";
import { limitsWithin, type TimeLimits, USAGE_WAIT_MS } from "../time-limits.ts";
import { answerStream } from "./answer-stream.ts";
import type { ChatChunk } from "./chat-chunk.ts";
import type { ChatClient } from "./chat-client.ts";

export interface OpenAiAnswererOptions extends TimeLimits {
  readonly chat: ChatClient;
  readonly keys: KeyPool;
  /** As the provider names it. */
  readonly model: string;
  /** The longest answer in code points; one that goes on is cut. */
  readonly maxOutputCharacters: number;
  readonly pace: Pace;
  /** Default: nobody knows what tokens cost. */
  readonly costOf?: CostOf | undefined;
}

/** Answers with a model of any provider with OpenAI's protocol. */
export function createOpenAiAnswerer(options: OpenAiAnswererOptions): Answerer {
  const { chat, keys, pace, model, maxOutputCharacters: maxCharacters, costOf } = options;
  return {
    async *answer(question, passages, wanted): AsyncGenerator<AnswerEvent> {
      const {
        signal: caller,
        timeoutMs = Infinity,
        section,
        maxOutputTokens,
        temperature,
        waitsForKey = true,
      } = wanted;
      const messages = answerPrompt(question, passages, section);
      const text = createAnswerText({
        passageCount: passages.length,
        maxCharacters,
        knownLinks: createKnownLinks(passages),
      });
      const bill = createBill(costOf);
      const closeBill = () =>
        bill.close(() => ({
          inputTokens: estimateTokens(messages.map(({ content }) => content).join("\n")),
          outputTokens: estimateTokens(text.text),
        }));
      const limits = limitsWithin(timeoutMs, options);
      const clocks = startClocks({ signal: caller, ...limits });
      const request = { messages, maxOutputTokens, temperature };
      const { signal } = clocks;
      const chunks = answerStream({ chat, keys, pace, request, bill, signal, timeoutMs: limits.totalMs, waitsForKey });
      try {
        const finishReason = yield* readText(chunks, { clocks, text });
        if (text.saysNoAnswer) yield { kind: "text", text: noAnswerText(question) };
        if (!text.isFull) await readUsage(chunks, clocks);
        yield endOf({ finishReason, text, usage: closeBill(), passages, model });
      } catch (error) {
        throw answererErrorOf(error, { clocks, caller, usage: closeBill() });
      } finally {
        clocks.stop();
        // Also for a caller who left: what was written until then is paid for.
        const usage = closeBill();
        if (usage !== undefined) wanted.onUsage?.(usage);
        // Not waited for: a read that is pending ends by the signal.
        void chunks.return().catch(() => undefined);
      }
    },
  };
}

type Chunks = AsyncIterator<ChatChunk, void>;

/** Passes the text on, and returns why it ended. */
async function* readText(
  chunks: Chunks,
  { clocks, text }: { readonly clocks: Clocks; readonly text: AnswerTextStream },
): AsyncGenerator<AnswerEvent, FinishReason> {
  let refused = false;
  for (;;) {
    const { done, value: chunk } = await clocks.wait(chunks.next());
    if (done === true) throw new ProtocolError("the stream ended before its end");
    clocks.begin();
    refused ||= chunk.refuses;
    yield* pieceOf(text.push(chunk.text));
    if (chunk.finishReason !== undefined) yield* pieceOf(text.finish());
    if (text.isFull) return "length";
    if (chunk.finishReason === undefined) continue;
    if (refused) return "refusal";
    if (chunk.finishReason === "stop" && text.text.trim() === "" && !text.saysNoAnswer) {
      throw new ProtocolError("the answer is empty");
    }
    return chunk.finishReason;
  }
}

function* pieceOf(text: string): Generator<AnswerEvent> {
  if (text !== "") yield { kind: "text", text };
}

/** Reads on to the event that tells the usage. The answer is whole: nothing that goes wrong here matters any more. */
async function readUsage(chunks: Chunks, clocks: Clocks): Promise<void> {
  await clocks.wait(chunks.next(), USAGE_WAIT_MS).catch(() => undefined);
}

interface Ending {
  readonly finishReason: FinishReason;
  readonly text: AnswerTextStream;
  readonly usage: Usage | undefined;
  readonly passages: readonly Passage[];
  readonly model: string;
}

const dropped: Degradation = {
  reason: "CITATION_DROPPED",
  message:
    "The model cited passages it was not given; those marks were removed. Check the statements without a citation.",
};

const linkRemoved: Degradation = {
  reason: "LINK_REMOVED",
  message: "The model linked to hosts that none of the documents is from; those links and images were removed.",
};

function endOf({ finishReason, text, usage, passages, model }: Ending): AnswerEnd {
  return {
    kind: "end",
    finishReason: text.saysNoAnswer ? "no-answer" : finishReason,
    citations: text.saysNoAnswer ? [] : modelCitations(text.text, passages),
    answerer: { kind: "model", model, promptVersion },
    degradations: [...(text.hasDroppedCitations ? [dropped] : []), ...(text.hasRemovedLinks ? [linkRemoved] : [])],
    ...(usage === undefined ? {} : { usage }),
  };
}
