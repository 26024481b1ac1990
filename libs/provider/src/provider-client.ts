import OpenAI, { APIConnectionError, APIError } from "openai";
import type { HeadersLike } from "@quartet/key-pool";
import { ConnectionError, ErrorReply, ProviderError } from "./errors.ts";
import type { HttpRequest } from "./exchange.ts";
import type { HttpReply } from "./http-reply.ts";
import { openReply, type ProviderReply, readErrorText } from "./reply.ts";
import { createTransport, type Transport, type TransportFigures } from "./transport.ts";

export interface ProviderClientOptions {
  /** With its `/v1`. Default: OpenAI's. */
  readonly baseUrl?: string | undefined;
  /** Connections kept to the provider at most. */
  readonly connections: number;
  /** The longest reply in bytes, all of its events together. */
  readonly maxReplyBytes: number;
  /** Certificates to trust, in PEM. Default: Node's own, and those of NODE_EXTRA_CA_CERTS. */
  readonly ca?: string | undefined;
}

/** What a call needs of a key pool's attempt, which is one. */
export interface CallContext {
  /** Aborting it ends the call, at any time until all of the reply has come. */
  readonly signal: AbortSignal;
  /** Told when the call goes out on a connection: one that is given up before, or finds none, costs nothing. */
  sent?(): void;
  /** Told the headers of the reply, whatever its status, as soon as they are there. */
  heard?(headers: HeadersLike): void;
  /** The longest reply of this call in bytes. Default: the client's. */
  readonly maxReplyBytes?: number | undefined;
}

export type ChatParameters = OpenAI.ChatCompletionCreateParamsStreaming;
export type EmbeddingParameters = OpenAI.EmbeddingCreateParams;

/**
 * One provider with OpenAI's protocol. Neither retries nor limits time: the key pool does the one, its callers' clocks the other. All that it
 * throws but the signal's reason is a ProviderError:
 *
 * - {ErrorReply} the provider answered with an error
 * - {ConnectionError} there was no connection, or it broke before the reply began
 * - what reading the reply throws; see ProviderReply
 */
export interface ProviderClient {
  /** Streams a chat completion, through the provider's own SDK. */
  chat(apiKey: string, parameters: ChatParameters, context: CallContext): Promise<ProviderReply>;
  /** Embeds, through the provider's own SDK. */
  embeddings(apiKey: string, parameters: EmbeddingParameters, context: CallContext): Promise<ProviderReply>;
  /**
   * Posts a body that is already in the provider's form, as a relay does: half the work of the SDK, which would only wrap it.
   *
   * @param path under the base URL, as in `/chat/completions`
   * @param body JSON
   */
  post(apiKey: string, path: string, body: string | Uint8Array, context: CallContext): Promise<ProviderReply>;
  figures(): TransportFigures;
  /** Ends all connections; calls under way fail. */
  close(): Promise<void>;
}

export const OPENAI_URL = "https://api.openai.com/v1";
/** The SDK's own limit ends at the reply's headers; every caller's clock is shorter, so it must never be the first. */
const SDK_TIMEOUT_MS = 24 * 3_600_000;

/** The owner closes it. */
export function createProviderClient(options: ProviderClientOptions): ProviderClient {
  const { baseUrl = OPENAI_URL } = options;
  const transport = createTransport(options);
  const clientOf = createSdkClients(baseUrl, transport);
  const { origin, pathname, search } = new URL(baseUrl);
  const prefix = pathname.replace(/\/$/, "");

  /** The SDK makes the request and its errors; it is sent, cancelled and read here. */
  const through = async (
    call: (options: OpenAI.RequestOptions) => { asResponse(): Promise<Response> },
    context: CallContext,
  ): Promise<ProviderReply> => {
    const { signal, heard } = context;
    try {
      const { http } = (await call(optionsOf(context)).asResponse()) as unknown as SdkResponse;
      heard?.(http.headers);
      return await openReply(http);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof APIError && error.headers !== undefined) heard?.(error.headers as Headers);
      throw fromSdk(error);
    }
  };

  return {
    chat: (apiKey, parameters, context) =>
      through((options) => clientOf(apiKey).chat.completions.create(parameters, options), context),
    embeddings: (apiKey, parameters, context) =>
      through((options) => clientOf(apiKey).embeddings.create(parameters, options), context),
    post: async (apiKey, path, body, { signal, sent: onSent, heard, maxReplyBytes }) => {
      const headers = {
        authorization: `Bearer ${apiKey}`,
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "user-agent": "quartet",
      };
      const call = { signal, onSent, maxReplyBytes };
      const http = await transport.post({ ...call, origin, path: prefix + path + search, headers, body });
      heard?.(http.headers);
      return await openReply(http);
    },
    figures: () => transport.figures(),
    close: () => transport.close(),
  };
}

/** One SDK client for each key; keys are few and known from the start. What it would look for in the environment is set, or dropped later. */
function createSdkClients(baseURL: string, transport: Transport): (apiKey: string) => OpenAI {
  const clients = new Map<string, OpenAI>();
  const nothing = { organization: null, project: null, adminAPIKey: null, webhookSecret: null };
  const settings = {
    baseURL,
    fetch: sdkFetch(transport),
    maxRetries: 0,
    timeout: SDK_TIMEOUT_MS,
    logLevel: "off",
  } as const;
  return (apiKey) => {
    let client = clients.get(apiKey);
    if (client === undefined) {
      client = new OpenAI({ ...nothing, ...settings, apiKey });
      clients.set(apiKey, client);
    }
    return client;
  };
}

/** What the SDK reads of a response. It costs half of what undici's fetch does, which wraps every chunk in web streams. */
interface SdkResponse extends Pick<Response, "ok" | "status" | "statusText" | "url" | "headers" | "text"> {
  readonly body: AsyncIterable<Uint8Array>;
  readonly http: HttpReply;
}

/** What of a call goes to our fetch past the SDK, whose own way to cancel hangs by weak references. */
type SdkCall = Pick<HttpRequest, "signal" | "onSent" | "maxReplyBytes">;

type FetchOptions = NonNullable<OpenAI.RequestOptions["fetchOptions"]>;

/** Whatever is in `fetchOptions`, the SDK gives to its fetch. */
function optionsOf({ signal, sent: onSent, maxReplyBytes }: CallContext): OpenAI.RequestOptions {
  const call: SdkCall = { signal, onSent, maxReplyBytes };
  return { fetchOptions: { call } as FetchOptions };
}

/** Of the SDK's headers; the others are what it found in the environment, and what it tells of this machine. */
const SDK_HEADERS = ["authorization", "content-type", "accept", "user-agent"] as const;

/** The SDK calls it with a URL, a JSON text and its headers. */
function sdkFetch(transport: Transport): typeof globalThis.fetch {
  const fetch = async (url: string, init: RequestInit & { readonly call: SdkCall }): Promise<SdkResponse> => {
    const { origin, pathname, search } = new URL(url);
    const given = init.headers as Headers;
    const http = await transport.post({
      ...init.call,
      origin,
      path: pathname + search,
      headers: Object.fromEntries(SDK_HEADERS.map((name) => [name, given.get(name) ?? ""])),
      body: init.body as string,
    });
    const { status, body } = http;
    const ok = status >= 200 && status < 300;
    const text = () => readErrorText(http);
    return { ok, status, statusText: "", url, headers: http.standardHeaders(), body, http, text };
  };
  return fetch as unknown as typeof globalThis.fetch;
}

/** The SDK's errors hold the provider's words, which quote keys and prompts. */
function fromSdk(error: unknown): unknown {
  if (error instanceof ProviderError || !(error instanceof APIError)) return error;
  if (error instanceof APIConnectionError)
    return error.cause instanceof ProviderError ? error.cause : new ConnectionError(error);
  const { status, headers, error: body } = error as APIError;
  return new ErrorReply({ status, headers, error: body });
}
