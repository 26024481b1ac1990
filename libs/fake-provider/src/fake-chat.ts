import type { ServerResponse } from "node:http";
import type { FakeBehaviour, FakeCut } from "./behaviour.ts";
import { answerOf, usageOf } from "./chat-answer.ts";
import type { ChatRequest } from "./chat-request.ts";
import type { CountedRequest } from "./fake-request.ts";
import {
  cutConnection,
  send,
  sendCut,
  sendEndlessly,
  SERVER_ERROR,
  stampTime,
  vary,
  waitUnlessClosed,
  writeUnlessClosed,
} from "./response.ts";

/** Answers POST /v1/chat/completions, as asked: whole or as a stream. Returns when the reply has ended or the client has left. */
export async function answerChat(
  chat: ChatRequest,
  request: CountedRequest,
  response: ServerResponse,
  behaviour: FakeBehaviour,
): Promise<void> {
  request.inputTokens = chat.promptTokens;
  await (chat.isStream ? streamChat : replyChat)(chat, request, response, behaviour);
}

const headOf = (object: string, chat: ChatRequest, { number }: CountedRequest) => ({
  id: `chatcmpl-fake${number}`,
  object,
  created: Math.floor(Date.now() / 1_000),
  model: chat.model,
  service_tier: "default",
  system_fingerprint: "fp_fake",
});

async function replyChat(
  chat: ChatRequest,
  request: CountedRequest,
  response: ServerResponse,
  behaviour: FakeBehaviour,
): Promise<void> {
  const { firstPieceMs = 0, pieceMs = 0, refusal = null, cut, endless } = behaviour;
  const { pieces, finishReason } = answerOf(chat, request, behaviour);
  const writingMs = vary(firstPieceMs, behaviour) + vary(pieceMs, behaviour) * Math.max(0, pieces.length - 1);
  if (!(await waitUnlessClosed(response, writingMs))) return;
  stampTime(response, request);
  const content = pieces.join("");
  const head = headOf("chat.completion", chat, request);
  if (endless) {
    const start = JSON.stringify({ ...head, choices: [{ index: 0, message: { role: "assistant", content: "" } }] });
    return sendEndlessly(response, start.slice(0, start.lastIndexOf('"}')), jsonText(content || "on and on "));
  }
  const message = { role: "assistant", content: refusal === null ? content : null, refusal, annotations: [] };
  const choices = Array.from({ length: chat.choices }, (_, index) => ({
    index,
    message,
    logprobs: null,
    finish_reason: finishReason,
  }));
  request.outputTokens = pieces.length * chat.choices;
  const usage = usageOf(chat.promptTokens, request.outputTokens, behaviour);
  const text = JSON.stringify({ ...head, choices, usage });
  if (cut) return sendCut(response, text, cut.by);
  send(response, 200, "application/json", text);
}

/** Text as it stands inside of a JSON string. */
const jsonText = (text: string): string => JSON.stringify(text).slice(1, -1);

/** The same as server-sent events, paced and cut as asked. */
async function streamChat(
  chat: ChatRequest,
  request: CountedRequest,
  response: ServerResponse,
  behaviour: FakeBehaviour,
): Promise<void> {
  const { firstPieceMs = 0, pieceMs = 0, cut, endless = false, comments = false } = behaviour;
  const { pieces, finishReason } = answerOf(chat, request, behaviour);
  const events = createEvents(chat, request, behaviour);
  const send = (content: string | Buffer) => writeUnlessClosed(response, content, behaviour.writeBytes);
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" });
  response.flushHeaders();

  await send(events.first());
  if (behaviour.refusal !== undefined) await send(events.refusal(behaviour.refusal));
  // Pieces are due by the clock, so that what writing takes does not add up.
  let dueAt = performance.now();
  for (let sent = 0; endless || sent < pieces.length; sent++) {
    if (cut?.afterPieces === sent) return endStream(response, cut.by, send, events.end);
    dueAt += vary(sent === 0 ? firstPieceMs : pieceMs, behaviour);
    if (!(await waitUnlessClosed(response, dueAt - performance.now()))) return;
    if (comments) await send(events.comment());
    request.outputTokens += chat.choices;
    await send(events.piece(pieces[sent % pieces.length] ?? " ", sent));
  }
  if (cut) return endStream(response, cut.by, send, events.end);
  await send(events.finish(finishReason));
  const usage = chat.wantsUsage ? usageOf(chat.promptTokens, request.outputTokens, behaviour) : undefined;
  if (usage) await send(events.usage(usage));
  await send(events.done());
  response.end();
}

/** The texts of a stream's events. What is the same in all of them is made once. */
function createEvents(chat: ChatRequest, request: CountedRequest, behaviour: FakeBehaviour) {
  const { lineEnd = "\n", lastBlankLine = true, invalidUtf8 = false } = behaviour;
  const end = lineEnd + lineEnd;
  const head = `data: ${JSON.stringify(headOf("chat.completion.chunk", chat, request)).slice(0, -1)},"choices":[`;
  const tail = `]${chat.wantsUsage ? ',"usage":null' : ""}}${end}`;
  const forEach = (delta: string, reason = "null"): string =>
    Array.from(
      { length: chat.choices },
      (_, index) => `${head}{"index":${index},"delta":${delta},"logprobs":null,"finish_reason":${reason}}${tail}`,
    ).join("");
  return {
    end,
    first: () => forEach('{"role":"assistant","content":"","refusal":null}'),
    refusal: (text: string) => forEach(`{"refusal":${JSON.stringify(text)}}`),
    piece: (text: string, at: number): string | Buffer => {
      const event = forEach(`{"content":${JSON.stringify(text)}}`);
      return invalidUtf8 && at === 0 ? withInvalidBytes(event) : event;
    },
    finish: (reason: string) => forEach("{}", JSON.stringify(reason)),
    usage: (usage: object) => `${head}],"usage":${JSON.stringify(usage)}}${end}`,
    done: () => `data: [DONE]${lastBlankLine ? end : lineEnd}`,
    comment: () => `: nothing yet${end}`,
  };
}

/** Two bytes that are in no UTF-8, before the text of a piece. */
function withInvalidBytes(event: string): Buffer {
  const bytes = Buffer.from(event);
  const mark = '"content":"';
  const at = bytes.indexOf(mark) + mark.length;
  return Buffer.concat([bytes.subarray(0, at), Buffer.from([0xff, 0xfe]), bytes.subarray(at)]);
}

async function endStream(
  response: ServerResponse,
  by: FakeCut["by"],
  send: (text: string) => Promise<boolean>,
  end: string,
): Promise<void> {
  if (by === "fin" || by === "reset" || by === "stall") return cutConnection(response, by);
  if (by === "error") await send(`data: ${SERVER_ERROR}${end}`);
  if (by === "garbage") await send(`data: {"id":"chatcmpl-fake","choices":[{"ind${end}`);
  response.end();
}
