import type { ServerResponse } from "node:http";
import type { FakeBehaviour } from "./behaviour.ts";
import type { FakeRequest } from "./fake-request.ts";
import { groundedEcho } from "./grounded-echo.ts";
import { countTokens, piecesOf } from "./tokens.ts";
import { waitUnlessClosed, writeUnlessClosed } from "./response.ts";

interface ChatBody {
  readonly model?: unknown;
  readonly stream?: unknown;
  readonly stream_options?: { readonly include_usage?: unknown } | null;
  readonly messages?: unknown;
}

function answerOf(request: FakeRequest, { answer }: FakeBehaviour): readonly string[] {
  if (answer === undefined) return piecesOf(groundedEcho(request.body));
  return piecesOf(typeof answer === "function" ? answer(request) : answer);
}

function usageOf(body: ChatBody, text: string) {
  const [input, output] = [countTokens(JSON.stringify(body.messages ?? "")), countTokens(text)];
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
}

/** The reply of POST /v1/chat/completions without streaming. */
export function chatReply(request: FakeRequest, behaviour: FakeBehaviour): object {
  const body = request.body as ChatBody;
  const content = answerOf(request, behaviour).join("");
  const message = { role: "assistant", content, refusal: null };
  const choice = { index: 0, message, logprobs: null, finish_reason: behaviour.finishReason ?? "stop" };
  return {
    id: "chatcmpl-fake",
    object: "chat.completion",
    created: 1_700_000_000,
    model: body.model,
    choices: [choice],
    usage: usageOf(body, content),
  };
}

/** The same as server-sent events, paced and cut as asked. Returns when the stream has ended or the client has left. */
export async function streamChat(
  request: FakeRequest,
  response: ServerResponse,
  behaviour: FakeBehaviour,
): Promise<void> {
  const { firstPieceMs = 0, pieceMs = 0, finishReason = "stop", cut, endless = false, lineEnd = "\n" } = behaviour;
  const body = request.body as ChatBody;
  const wantsUsage = body.stream_options?.include_usage === true;
  const sendText = (text: string) => writeUnlessClosed(response, text, behaviour.writeBytes);
  const send = (event: object) => sendText(`data: ${JSON.stringify(event)}${lineEnd}${lineEnd}`);
  const chunk = (choices: readonly object[], more: object = {}) => ({
    id: "chatcmpl-fake",
    object: "chat.completion.chunk",
    created: 1_700_000_000,
    model: body.model,
    choices,
    ...(wantsUsage ? { usage: null } : {}),
    ...more,
  });
  const delta = (content: object, reason: string | null = null) => ({
    index: 0,
    delta: content,
    logprobs: null,
    finish_reason: reason,
  });

  const pieces = answerOf(request, behaviour);
  await send(chunk([delta({ role: "assistant", content: "", refusal: null })]));
  for (let sent = 0; endless || sent < pieces.length; sent++) {
    if (cut?.afterPieces === sent) return endEarly(response, cut.by, sendText);
    if (!(await waitUnlessClosed(response, sent === 0 ? firstPieceMs : pieceMs))) return;
    await send(chunk([delta({ content: pieces[sent % pieces.length] ?? " " })]));
  }
  if (cut) return endEarly(response, cut.by, sendText);
  await send(chunk([delta({}, finishReason)]));
  if (wantsUsage) await send(chunk([], { usage: usageOf(body, pieces.join("")) }));
  await sendText(`data: [DONE]${lineEnd}${lineEnd}`);
  response.end();
}

async function endEarly(
  response: ServerResponse,
  by: NonNullable<FakeBehaviour["cut"]>["by"],
  sendText: (text: string) => Promise<boolean>,
): Promise<void> {
  switch (by) {
    case "end":
      response.end();
      return;
    case "fin":
      response.socket?.end();
      return;
    case "reset":
      response.socket?.resetAndDestroy();
      return;
    case "stall":
      return;
    case "error":
      await sendText('data: {"error":{"message":"The server had an error","type":"server_error","code":null}}\n\n');
      response.end();
      return;
    case "garbage":
      await sendText('data: {"id":"chatcmpl-fake","choices":[{"ind\n\n');
      response.end();
      return;
  }
}
