import { type CallContext, OPENAI_URL, type ProviderClient, type ProviderReply } from "@quartet/provider";
import type { ChatMessage } from "../../domain/prompt.ts";

export interface ChatClientOptions {
  readonly provider: ProviderClient;
  /** The provider's, with its `/v1`. Default: OpenAI's. */
  readonly baseUrl?: string | undefined;
  readonly model: string;
  /** Default: the provider's. */
  readonly temperature?: number | undefined;
  readonly maxOutputTokens: number;
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
   * Asks for an answer; resolves when the provider begins to stream its events. Aborting the signal closes the socket, and so does
   * leaving its events early.
   *
   * @throws {ProviderError} here and while it is read
   */
  open(apiKey: string, request: ChatRequest, context: CallContext): Promise<Pick<ProviderReply, "events" | "linger">>;
}

/** OpenAI's newer models refuse the older name; servers that only speak its protocol often know no other. */
export const maxTokensField = (baseUrl: string = OPENAI_URL) =>
  baseUrl === OPENAI_URL ? "max_completion_tokens" : "max_tokens";

/** Chat completions of any provider with OpenAI's protocol. */
export function createChatClient(options: ChatClientOptions): ChatClient {
  const { provider, baseUrl = OPENAI_URL, model, temperature, maxOutputTokens } = options;
  return {
    open(apiKey, request, context) {
      const maxTokens = Math.min(request.maxOutputTokens ?? maxOutputTokens, maxOutputTokens);
      const wantedTemperature = request.temperature ?? temperature;
      return provider.chat(
        apiKey,
        {
          model,
          messages: [...request.messages],
          stream: true,
          stream_options: { include_usage: true },
          [maxTokensField(baseUrl)]: maxTokens,
          ...(wantedTemperature === undefined ? {} : { temperature: wantedTemperature }),
        },
        context,
      );
    },
  };
}
