import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { providerErrors } from "./behaviour.ts";
import type { FakeBehaviour, FakeError, FakeKey } from "./behaviour.ts";
import { chatReply, streamChat } from "./fake-chat.ts";
import { embeddingsReply } from "./fake-embeddings.ts";
import type { FakeRequest } from "./fake-request.ts";
import { createKeyLimits } from "./key-limits.ts";
import { waitUnlessClosed } from "./response.ts";

export interface FakeProviderOptions extends FakeBehaviour {
  /** The keys that are known, each with what it may do; any other gets 401. Default: every key, and none at all, will do. */
  readonly keys?: Readonly<Record<string, FakeKey>>;
  /** The models that are known; any other gets 404. Default: every model, and `fake-model` is listed. */
  readonly models?: readonly string[];
}

/** An OpenAI-compatible server on loopback that fails in every way that is asked for. */
export interface FakeProvider {
  /** `http://127.0.0.1:PORT/v1`, for OPENAI_BASE_URL. */
  readonly baseUrl: string;
  /** Every request so far, in order of arrival. */
  readonly requests: readonly FakeRequest[];
  /** Changes how it answers from now on; what is not named stays, and what is undefined goes back to the default. */
  set(options: { readonly [K in keyof FakeProviderOptions]?: FakeProviderOptions[K] | undefined }): void;
  /** For the next model calls, one each, over what is set. */
  next(...behaviours: readonly FakeBehaviour[]): void;
  /** Resolves when so many requests have arrived. The test's own limit ends the wait. */
  arrived(count: number): Promise<void>;
  /** Ends every connection. */
  close(): Promise<void>;
}

/** Tests send no more than this. */
const MAX_BODY_BYTES = 64 * 1024 ** 2;

interface Recorded extends FakeRequest {
  closedAt: number | undefined;
  leftEarly: boolean;
}

/** Starts the provider on a free port. The test that starts it closes it. */
export async function startFakeProvider(options: FakeProviderOptions = {}): Promise<FakeProvider> {
  let settings: FakeProviderOptions = options;
  const queue: FakeBehaviour[] = [];
  const requests: Recorded[] = [];
  const waiting = new Set<() => void>();
  const limits = createKeyLimits(() => performance.now());

  const serve = async (incoming: IncomingMessage, response: ServerResponse) => {
    const request = await record(incoming, response);
    requests.push(request);
    for (const wake of waiting) wake();
    const isCall = request.method === "POST";
    const behaviour: FakeKey = { ...settings, ...settings.keys?.[request.key], ...(isCall ? queue.shift() : {}) };
    const { error: limited, headers } = limits.take(request.key, isCall ? behaviour.limit : undefined);
    for (const [name, value] of Object.entries({ ...headers, ...behaviour.headers })) response.setHeader(name, value);
    response.setHeader("x-request-id", `req_fake_${requests.length}`);
    if (behaviour.hang || !(await waitUnlessClosed(response, behaviour.delayMs ?? 0))) return;
    const error = refusalOf(request, settings) ?? behaviour.error ?? limited;
    if (error) sendError(response, error);
    else if (behaviour.html) send(response, 200, "text/html", "<!doctype html><title>Gateway</title><p>Welcome");
    else await reply(request, response, behaviour, settings.models);
  };

  const server = createServer((incoming, response) => {
    serve(incoming, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    requests,
    set: (changes) => {
      const given = Object.entries({ ...settings, ...changes }).filter(([, value]) => value !== undefined);
      settings = Object.fromEntries(given);
    },
    next: (...behaviours) => void queue.push(...behaviours),
    arrived: async (count) => {
      while (requests.length < count) {
        const { promise, resolve } = Promise.withResolvers<void>();
        waiting.add(resolve);
        await promise;
        waiting.delete(resolve);
      }
    },
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function record(incoming: IncomingMessage, response: ServerResponse): Promise<Recorded> {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new RangeError("the body is too large for a test");
    chunks.push(chunk);
  }
  const request: Recorded = {
    method: incoming.method ?? "",
    path: new URL(incoming.url ?? "/", "http://fake").pathname,
    key: /^Bearer (.*)$/.exec(incoming.headers.authorization ?? "")?.[1] ?? "",
    headers: incoming.headers,
    body: parseBody(Buffer.concat(chunks).toString("utf8")),
    at: performance.now(),
    closedAt: undefined,
    leftEarly: false,
    closed,
  };
  response.once("close", () => {
    request.closedAt = performance.now();
    request.leftEarly = !response.writableEnded;
    resolve();
  });
  return request;
}

function parseBody(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function refusalOf({ key, method, body }: FakeRequest, { keys, models }: FakeProviderOptions): FakeError | undefined {
  if (keys && !Object.hasOwn(keys, key)) return providerErrors.auth(key);
  if (method !== "POST") return undefined;
  if (typeof body !== "object" || body === null) {
    return providerErrors.badRequest("We could not parse the JSON body of your request.");
  }
  const model: unknown = (body as Readonly<Record<string, unknown>>)["model"];
  if (typeof model !== "string") return providerErrors.badRequest("you must provide a model parameter");
  if (!models || models.includes(model)) return undefined;
  const missing = providerErrors.notFound(`The model \`${model}\` does not exist or you do not have access to it.`);
  return { ...missing, code: "model_not_found" };
}

async function reply(
  request: FakeRequest,
  response: ServerResponse,
  behaviour: FakeBehaviour,
  models: readonly string[] = ["fake-model"],
): Promise<void> {
  const { method, path } = request;
  const streams = (request.body as { readonly stream?: unknown } | undefined)?.stream === true;
  switch (`${method} ${path}`) {
    case "GET /v1/models": {
      const data = models.map((id) => ({ id, object: "model", created: 1_700_000_000, owned_by: "fake" }));
      sendJson(response, 200, { object: "list", data });
      return;
    }
    case "POST /v1/embeddings":
      sendJson(response, 200, embeddingsReply(request.body, behaviour));
      return;
    case "POST /v1/chat/completions":
      if (streams) {
        response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" });
        response.flushHeaders();
        await streamChat(request, response, behaviour);
      } else sendJson(response, 200, chatReply(request, behaviour));
      return;
    default:
      sendError(response, providerErrors.notFound(`Invalid URL (${method} ${path})`));
  }
}

function sendError(response: ServerResponse, { status, type, code, message, headers = {} }: FakeError): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  sendJson(response, status, { error: { message, type, param: null, code } });
}

/** An infinite number is written as one that is too large to be read. */
function sendJson(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body, (_, value: unknown) => (value === Infinity ? "\u0000infinite" : value));
  send(response, status, "application/json", text.replaceAll('"\\u0000infinite"', "1e999"));
}

function send(response: ServerResponse, status: number, contentType: string, text: string): void {
  response.writeHead(status, { "content-type": contentType, "content-length": Buffer.byteLength(text) });
  response.end(text);
}
