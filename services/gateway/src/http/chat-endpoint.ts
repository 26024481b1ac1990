import type { CallOptions } from "@connectrpc/connect";
import { AnswerService } from "@quartet/contracts/gateway/v1/answer_service";
import {
  type Client,
  type EndpointCall,
  forward,
  type HttpEndpoint,
  type HttpRequest,
  requestIdOf,
} from "@quartet/rpc";
import { withFieldNames } from "../handlers/errors.ts";
import type { Relay } from "../module.ts";
import { type CompletionHead, createCompletionChunks, toCompletion } from "./chat-completion.ts";
import { isOwnModel, OWN_MODEL, type QuestionInChat, readChatRequest, readQuestion } from "./chat-request.ts";
import { beginEvents, eventOf, eventsOfLines } from "./events.ts";
import { readJsonObject } from "./json.ts";
import { failAsOpenAi } from "./openai-error.ts";

export interface ChatEndpointOptions {
  /** The gateway's own rpcs, for who calls and with the time that is left. */
  readonly answers: Client<typeof AnswerService>;
  readonly relay: Relay;
  /** The largest body. */
  readonly maxBytes: number;
  /** For chats that name no time. */
  readonly defaultTimeoutMs: number;
}

const DONE = "data: [DONE]\n\n";

/**
 * POST /v1/chat/completions: the model `quartet` answers from the documents, any other name is the provider's. Accepted by OpenAI's SDKs, and
 * by what else speaks their protocol.
 */
export function createChatEndpoint(options: ChatEndpointOptions): HttpEndpoint {
  const { answers, relay, maxBytes, defaultTimeoutMs } = options;
  return {
    path: "/v1/chat/completions",
    verb: "POST",
    like: AnswerService.method.streamAnswerQuestion,
    consumes: /^application\/json\b/i,
    defaultTimeoutMs,
    timeoutMsOf: sdkTimeoutMs,
    async handle(call) {
      const body = await call.readBody({ maxBytes });
      const chat = readChatRequest(readJsonObject(body));
      if (isOwnModel(chat)) {
        return answerChat(call, readQuestion(chat), answers).catch((error: unknown) => {
          throw withFieldNames(error, fieldInChat);
        });
      }
      if (chat.streamed) return passOn(call, relay.stream(body, call.context));
      await endWithJson(call, await relay.complete(body, call.context));
    },
    fail: failAsOpenAi,
  };
}

/** OpenAI's SDKs tell how long they wait, in seconds. */
function sdkTimeoutMs({ headers }: HttpRequest): number | undefined {
  const value = headers["x-stainless-timeout"];
  if (typeof value !== "string" || !/^\d{1,6}$/.test(value) || Number(value) === 0) return undefined;
  return Number(value) * 1_000;
}

/** Where a chat has what a question calls by another name. */
function fieldInChat(field: string): string {
  const own = field.replace(/^answer\./, "");
  return own === "question" ? "messages" : `${OWN_MODEL}.${own}`;
}

/** Begins with the first event, so that what fails before has a status of its own. */
async function passOn({ response, write, end }: EndpointCall, eventLines: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const lines of eventLines) {
    beginEvents(response);
    await write(eventsOfLines(lines));
  }
  beginEvents(response);
  await end(DONE);
}

async function answerChat(call: EndpointCall, question: QuestionInChat, answers: Client<typeof AnswerService>) {
  const { context } = call;
  const head: CompletionHead = {
    id: `chatcmpl-${requestIdOf(context)}`,
    created: Math.floor(Date.now() / 1_000),
    model: question.model,
  };
  const options = forward(context);
  if (question.streamed) return streamAnswer(call, question, { head, answers, options });
  await endWithJson(call, toCompletion(head, await answers.answerQuestion(question.request, options)));
}

interface Answering {
  readonly head: CompletionHead;
  readonly answers: Client<typeof AnswerService>;
  readonly options: CallOptions;
}

/** Begins with the first text, so that what fails before has a status of its own. */
async function streamAnswer(
  { response, write, end }: EndpointCall,
  { request, wantsUsage }: QuestionInChat,
  { head, answers, options }: Answering,
): Promise<void> {
  const chunks = createCompletionChunks(head, { wantsUsage });
  const send = async (...parts: readonly string[]) => {
    const first = response.headersSent ? [] : [chunks.begin()];
    beginEvents(response);
    await write([...first, ...parts].map((part) => eventOf(part)).join(""));
  };
  for await (const { event } of answers.streamAnswerQuestion({ answer: request }, options)) {
    if (event.case === "textDelta") await send(chunks.text(event.value.text));
    else if (event.case === "answer") await send(...chunks.end(event.value));
  }
  await end(DONE);
}

async function endWithJson({ response, end }: EndpointCall, json: string | Uint8Array): Promise<void> {
  response.statusCode = 200;
  response.setHeader("content-type", "application/json");
  response.setHeader("content-length", Buffer.byteLength(json));
  await end(json);
}
