import type { FakeBehaviour } from "./behaviour.ts";
import type { ChatRequest } from "./chat-request.ts";
import type { FakeRequest } from "./fake-request.ts";
import { groundedEcho } from "./grounded-echo.ts";
import { piecesOf, repeatPieces } from "./tokens.ts";

/** What the model says: each piece is one token. */
export interface ChatAnswer {
  readonly pieces: readonly string[];
  readonly finishReason: string;
}

/** The answer that the behaviour asks for, cut at the request's stop sequences and at its most tokens. */
export function answerOf(chat: ChatRequest, request: FakeRequest, behaviour: FakeBehaviour): ChatAnswer {
  if (behaviour.refusal !== undefined) return { pieces: [], finishReason: behaviour.finishReason ?? "stop" };
  const { answer, tokens } = behaviour;
  const said =
    answer === undefined ? groundedEcho(chat.texts) : typeof answer === "function" ? answer(request) : answer;
  const wished = tokens === undefined ? piecesOf(said) : repeatPieces(piecesOf(said), tokens);
  const unstopped = chat.stop.length > 0 ? cutAtStop(wished, chat.stop) : wished;
  const isTooLong = chat.maxTokens !== undefined && unstopped.length > chat.maxTokens;
  return {
    pieces: isTooLong ? unstopped.slice(0, chat.maxTokens) : unstopped,
    finishReason: behaviour.finishReason ?? (isTooLong ? "length" : "stop"),
  };
}

/** What comes before the first of the stop sequences, which may begin in one piece and end in another. */
function cutAtStop(pieces: readonly string[], stop: readonly string[]): readonly string[] {
  const text = pieces.join("");
  const found = stop.map((each) => (each === "" ? -1 : text.indexOf(each))).filter((at) => at >= 0);
  if (found.length === 0) return pieces;
  let left = Math.min(...found);
  const kept: string[] = [];
  for (const piece of pieces) {
    if (left <= 0) break;
    kept.push(piece.slice(0, left));
    left -= piece.length;
  }
  return kept;
}

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** What the reply says that it used: the truth, a lie, or nothing. */
export function usageOf(
  input: number,
  output: number,
  { usage }: Pick<FakeBehaviour, "usage">,
): (Usage & Readonly<Record<string, unknown>>) | undefined {
  if (usage === "none") return undefined;
  const [prompt_tokens, completion_tokens] = usage ? [usage.inputTokens, usage.outputTokens] : [input, output];
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
  };
}
