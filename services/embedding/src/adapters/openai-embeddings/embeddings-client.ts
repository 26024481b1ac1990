import type { CallContext, ProviderClient } from "@quartet/provider";

export interface EmbeddingsClientOptions {
  readonly provider: ProviderClient;
  readonly model: string;
  /** To ask the model for. Default: the model's own. */
  readonly dimensions?: number | undefined;
}

export interface EmbeddingsClient {
  /**
   * What the provider answers, as it came: nothing of it is checked. Aborting the signal closes the socket.
   *
   * @throws {ProviderError}, or the signal's reason
   */
  create(apiKey: string, texts: readonly string[], context: CallContext): Promise<unknown>;
}

/** Far above any honest reply: a vector of 4,096 numbers as decimal text has 90 KB. */
const REPLY_BYTES_PER_TEXT = 256 * 1024;
const REPLY_BYTES_AT_LEAST = 1024 ** 2;

/** Embeddings of any provider with OpenAI's protocol. Neither retries nor limits time: its caller does. */
export function createEmbeddingsClient({ provider, model, dimensions }: EmbeddingsClientOptions): EmbeddingsClient {
  return {
    create: async (apiKey, texts, context) => {
      const body = {
        model,
        input: [...texts],
        // A quarter of the bytes and no parsing of decimals; servers that do not know it send numbers.
        encoding_format: "base64" as const,
        ...(dimensions === undefined ? {} : { dimensions }),
      };
      const maxReplyBytes = REPLY_BYTES_AT_LEAST + REPLY_BYTES_PER_TEXT * texts.length;
      const reply = await provider.embeddings(apiKey, body, { ...context, maxReplyBytes });
      return (await reply.whole()).value;
    },
  };
}
