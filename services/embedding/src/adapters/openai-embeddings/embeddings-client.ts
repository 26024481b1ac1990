import OpenAI, { APIError } from "openai";
import { Agent, fetch } from "undici";
import { BrokenReplyError } from "./provider-errors.ts";

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
   * @throws {APIError} the provider's errors, with status and headers, and connections that were not made
   * @throws {SyntaxError} where JSON was promised and is none
   * @throws {BrokenReplyError} where the reply broke off or does not end
   */
  create(apiKey: string, texts: readonly string[], signal: AbortSignal): Promise<unknown>;
  /** Ends all connections; calls under way fail. */
  close(): Promise<void>;
}

export const OPENAI_URL = "https://api.openai.com/v1";
/** How long an idle connection is kept; most providers close theirs after 60 s or more. */
const KEEP_ALIVE_MS = 30_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** Far above any honest reply: 2,048 vectors of 4,096 numbers as decimal text are 170 MB, and are never asked for as such. */
const MAX_REPLY_BYTES = 64 * 1024 ** 2;
/** The SDK's own limit ends at the reply's headers; the caller's is shorter, so this must never be the first. */
const SDK_TIMEOUT_MS = 24 * 3_600_000;

/** Embeddings of any provider with OpenAI's protocol. Neither retries nor limits time: its caller does. */
export function createEmbeddingsClient(options: EmbeddingsClientOptions): EmbeddingsClient {
  const { baseUrl = OPENAI_URL, model, dimensions, connections } = options;
  const dispatcher = new Agent({
    connections,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: MAX_REPLY_BYTES,
    connect: { timeout: CONNECT_TIMEOUT_MS },
  });
  // The SDK calls it with a URL and plain options, and reads only what undici's Response shares with the global one.
  const pooledFetch = ((input: string, init: Parameters<typeof fetch>[1]) =>
    fetch(input, { ...init, dispatcher })) as unknown as typeof globalThis.fetch;
  const clients = new Map<string, OpenAI>();

  /** One for each key; keys are few and known from the start. Nothing is left for the SDK to find in the environment. */
  const clientOf = (apiKey: string): OpenAI => {
    let client = clients.get(apiKey);
    if (client === undefined) {
      client = new OpenAI({
        organization: null,
        project: null,
        adminAPIKey: null,
        webhookSecret: null,
        apiKey,
        baseURL: baseUrl,
        fetch: pooledFetch,
        maxRetries: 0,
        timeout: SDK_TIMEOUT_MS,
        logLevel: "off",
        // Vectors do not get smaller by compression, and uncompressed the limit above is on what is kept in memory.
        defaultHeaders: { "accept-encoding": "identity" },
      });
      clients.set(apiKey, client);
    }
    return client;
  };

  return {
    create: async (apiKey, texts, signal) => {
      const body = {
        model,
        input: [...texts],
        // A quarter of the bytes and no parsing of decimals; servers that do not know it send numbers.
        encoding_format: "base64" as const,
        ...(dimensions === undefined ? {} : { dimensions }),
      };
      try {
        return await clientOf(apiKey).embeddings.create(body, { signal });
      } catch (error) {
        throw error instanceof APIError || error instanceof SyntaxError ? error : new BrokenReplyError(error);
      }
    },
    close: () => dispatcher.destroy(),
  };
}
