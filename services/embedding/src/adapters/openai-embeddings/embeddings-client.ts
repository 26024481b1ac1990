import { type CallContext, createProviderClient, type TransportFigures } from "@quartet/provider";

export interface EmbeddingsClientOptions {
  /** With its `/v1`. Default: OpenAI's. */
  readonly baseUrl?: string | undefined;
  readonly model: string;
  /** To ask the model for. Default: the model's own. */
  readonly dimensions?: number | undefined;
  /** Connections kept to the provider at most. */
  readonly connections: number;
}

export interface EmbeddingsClient {
  /**
   * What the provider answers, as it came: nothing of it is checked. Aborting the signal closes the socket.
   *
   * @throws {ProviderError}, or the signal's reason
   */
  create(apiKey: string, texts: readonly string[], context: CallContext): Promise<unknown>;
  figures(): TransportFigures;
  /** Ends all connections; calls under way fail. */
  close(): Promise<void>;
}

/** Far above any honest reply: 2,048 vectors of 4,096 numbers as decimal text are 170 MB, and are never asked for as such. */
const MAX_REPLY_BYTES = 64 * 1024 ** 2;

/** Embeddings of any provider with OpenAI's protocol. Neither retries nor limits time: its caller does. */
export function createEmbeddingsClient(options: EmbeddingsClientOptions): EmbeddingsClient {
  const { model, dimensions } = options;
  const provider = createProviderClient({ ...options, maxReplyBytes: MAX_REPLY_BYTES });
  return {
    create: async (apiKey, texts, context) => {
      const body = {
        model,
        input: [...texts],
        // A quarter of the bytes and no parsing of decimals; servers that do not know it send numbers.
        encoding_format: "base64" as const,
        ...(dimensions === undefined ? {} : { dimensions }),
      };
      const reply = await provider.embeddings(apiKey, body, context);
      return (await reply.whole()).value;
    },
    figures: () => provider.figures(),
    close: () => provider.close(),
  };
}
