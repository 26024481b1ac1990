import OpenAI, { APIError } from "openai";
import { createBoundedFetch, ReplyTooLongError } from "./bounded-fetch.ts";
import { type ChatChunk, ProtocolError, readChatChunk } from "./chat-chunk.ts";
import { StreamBrokenError } from "./provider-errors.ts";
import type { ChatMessage } from "../../domain/prompt.ts";

export interface ChatClientOptions {
  /** With its `/v1`. Default: OpenAI's. */
  readonly baseUrl?: string | undefined;
  readonly model: string;
  /** Default: the provider's. */
  readonly temperature?: number | undefined;
  readonly maxOutputTokens: number;
  readonly connections: number;
  /** The longest reply in bytes, all of its events together. */
  readonly maxReplyBytes: number;
}

/** What one answer wants otherwise than configured. */
export interface ChatLimits {
  /** Never more than configured. */
  readonly maxOutputTokens?: number | undefined;
  readonly temperature?: number | undefined;
}

export interface ChatRequest extends ChatLimits {
  readonly messages: readonly ChatMessage[];
}

export interface ChatClient {
  /**
   * Asks for an answer; resolves when the provider begins to stream. Aborting the signal closes the socket, and so does
   * leaving the iterator early.
   *
   * @throws {APIError} the provider's errors, with status and headers
   * @throws {ProtocolError} the reply is no chat completion stream
   * @throws {StreamBrokenError} the connection broke while streaming
   */
  open(apiKey: string, request: ChatRequest, signal: AbortSignal): Promise<AsyncIterable<ChatChunk>>;
  /** Ends all connections. */
  close(): Promise<void>;
}

const OPENAI_URL = "https://api.openai.com/v1";
/** The SDK's own limit ends at the reply's headers; the answer's clocks are shorter, so it must never be the first. */
const SDK_TIMEOUT_MS = 24 * 3_600_000;

/** Chat completions of any provider with OpenAI's protocol. Neither retries nor limits time: its callers do. */
export function createChatClient(options: ChatClientOptions): ChatClient {
  const { baseUrl = OPENAI_URL, model, temperature, maxOutputTokens, connections, maxReplyBytes } = options;
  const { fetch, close } = createBoundedFetch({ connections, maxBytes: maxReplyBytes });
  const clients = new Map<string, OpenAI>();

  /** One for each key; keys are few and known from the start. Nothing is left for the SDK to find in the environment. */
  const clientOf = (apiKey: string): OpenAI => {
    let client = clients.get(apiKey);
    if (client === undefined) {
      const none = { organization: null, project: null, adminAPIKey: null, webhookSecret: null };
      client = new OpenAI({
        ...none,
        apiKey,
        baseURL: baseUrl,
        fetch,
        maxRetries: 0,
        timeout: SDK_TIMEOUT_MS,
        logLevel: "off",
      });
      clients.set(apiKey, client);
    }
    return client;
  };

  return {
    async open(apiKey, request, signal) {
      const maxTokens = Math.min(request.maxOutputTokens ?? maxOutputTokens, maxOutputTokens);
      const wantedTemperature = request.temperature ?? temperature;
      const { data, response } = await clientOf(apiKey)
        .chat.completions.create(
          {
            model,
            messages: [...request.messages],
            stream: true,
            stream_options: { include_usage: true },
            // OpenAI's newer models refuse the older name; servers that only speak its protocol often know no other.
            [baseUrl === OPENAI_URL ? "max_completion_tokens" : "max_tokens"]: maxTokens,
            ...(wantedTemperature === undefined ? {} : { temperature: wantedTemperature }),
          },
          { signal },
        )
        .withResponse();
      const type = response.headers.get("content-type") ?? "";
      if (!/^text\/event-stream\b/i.test(type)) {
        data.controller.abort();
        throw new ProtocolError("the reply is no event stream");
      }
      return chunksOf(data);
    },
    close,
  };
}

async function* chunksOf(events: AsyncIterable<unknown>): AsyncGenerator<ChatChunk, undefined, undefined> {
  const iterator = events[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await iterator.next().catch(rethrow);
      if (done === true) return;
      yield readChatChunk(value);
    }
  } finally {
    await iterator.return?.();
  }
}

/** While streaming, the SDK lets through whatever its fetch throws, such as a bare TypeError for a reset connection. */
function rethrow(error: unknown): never {
  const isNamed = error instanceof APIError || error instanceof SyntaxError || error instanceof ReplyTooLongError;
  throw isNamed ? error : new StreamBrokenError("the connection broke", { cause: error });
}
