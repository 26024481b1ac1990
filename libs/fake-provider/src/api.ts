import type { IncomingMessage, ServerResponse } from "node:http";
import type { FakeBehaviour } from "./behaviour.ts";
import { type ChatRequest, readChatRequest } from "./chat-request.ts";
import { answerChat } from "./fake-chat.ts";
import { answerEmbeddings, type EmbeddingsRequest, readEmbeddingsRequest } from "./fake-embeddings.ts";
import type { CountedRequest } from "./fake-request.ts";
import type { FigureKeeper } from "./figures.ts";
import { createKeyLimits, type KeyLimits } from "./key-limits.ts";
import { createPlaces, type Places } from "./places.ts";
import { type FakeError, providerErrors } from "./provider-errors.ts";
import { BodyTooLongError, readBody } from "./read-body.ts";
import type { RequestLog } from "./request-log.ts";
import { send, sendError, sendJson, stampTime, vary, waitUnlessClosed } from "./response.ts";
import type { Settings } from "./settings.ts";

export interface Api {
  readonly settings: Settings;
  readonly log: RequestLog;
  readonly figures: FigureKeeper;
  readonly limits: KeyLimits;
  readonly places: Places;
}

export function createApi(parts: Pick<Api, "settings" | "log" | "figures">): Api {
  return { ...parts, limits: createKeyLimits(() => performance.now()), places: createPlaces() };
}

/** Prompts are no longer than this. */
const MAX_BODY_BYTES = 64 * 1024 ** 2;

/** A model call that can be answered. */
type Call =
  | { readonly kind: "chat"; readonly asked: ChatRequest }
  | { readonly kind: "embeddings"; readonly asked: EmbeddingsRequest };

/** Answers one request of the provider's API. */
export async function answerApi(
  api: Api,
  incoming: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  const { settings, log, figures } = api;
  const request = await record(api, incoming, response, path);
  if (!request) return sendError(response, { ...providerErrors.badRequest("The request is too large."), status: 413 });
  log.add(request);
  const isCall = request.method === "POST";
  if (isCall) figures.began(request.label);
  void request.closed.then(() => isCall && figures.ended(request));

  const behaviour = settings.behaviourOf(request.key, isCall);
  response.setHeader("x-request-id", `req_fake_${request.number}`);
  response.setHeader("openai-version", "2020-10-01");
  response.setHeader("openai-organization", organizationOf(behaviour));

  const read = refusalOf(request, settings) ?? (isCall ? readCall(request) : undefined);
  const call = read && "kind" in read ? read : undefined;
  const refusal = read && "error" in read ? read.error : undefined;
  const limited = call ? await limitOf(api, request, response, call, behaviour) : undefined;
  // What a behaviour says of remaining quota is a lie that is meant, and wins.
  setHeaders(response, behaviour.headers);
  if (behaviour.hang || !(await waitUnlessClosed(response, vary(behaviour.delayMs ?? 0, behaviour)))) return;
  stampTime(response, request);
  const error = refusal ?? behaviour.error ?? limited;
  if (error) sendError(response, error);
  else if (behaviour.html) send(response, 200, "text/html", "<!doctype html><title>Gateway</title><p>Welcome");
  else if (call?.kind === "chat") await answerChat(call.asked, request, response, behaviour);
  else if (call) await answerEmbeddings(call.asked, request, response, behaviour);
  else sendModels(request, response, settings.options.models);
}

const organizationOf = ({ organization = "org-fake" }: FakeBehaviour): string => organization;

/** Undefined when the body is too long. */
async function record(
  { settings, log }: Api,
  incoming: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<CountedRequest | undefined> {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const key = bearerOf(incoming.headers.authorization);
  const body = await readBody(incoming, MAX_BODY_BYTES).catch((error: unknown) => {
    if (error instanceof BodyTooLongError) return undefined;
    throw error;
  });
  if (!body) return undefined;
  const request: CountedRequest = {
    number: log.nextNumber(),
    method: incoming.method ?? "",
    path,
    key,
    label: settings.labelOf(key),
    headers: incoming.headers,
    body: body.value,
    bytes: body.bytes,
    at: performance.now(),
    status: undefined,
    inputTokens: 0,
    outputTokens: 0,
    closedAt: undefined,
    leftEarly: false,
    closed,
  };
  response.once("close", () => {
    request.closedAt = performance.now();
    request.leftEarly = !response.writableEnded;
    if (response.headersSent) request.status = response.statusCode;
    resolve();
  });
  return request;
}

const bearerOf = (authorization = ""): string => (authorization.startsWith("Bearer ") ? authorization.slice(7) : "");

/** What is wrong with the key, the path or the model. */
function refusalOf({ key, method, path, body }: CountedRequest, { options }: Settings): Refusal | undefined {
  const { keys, models } = options;
  if (keys && !Object.hasOwn(keys, key))
    return { error: key === "" ? providerErrors.noKey() : providerErrors.auth(key) };
  if (!isKnown(method, path)) return { error: unknownPath(method, path) };
  if (method !== "POST") return undefined;
  if (typeof body !== "object" || body === null) {
    return { error: providerErrors.badRequest("We could not parse the JSON body of your request.") };
  }
  const model: unknown = (body as Readonly<Record<string, unknown>>)["model"];
  if (typeof model !== "string") return { error: providerErrors.badRequest("you must provide a model parameter") };
  return models && !models.includes(model) ? { error: providerErrors.modelNotFound(model) } : undefined;
}

interface Refusal {
  readonly error: FakeError;
}

const MODEL_PATH = /^\/v1\/models\/([^/]+)$/;

const isKnown = (method: string, path: string): boolean =>
  method === "POST"
    ? path === "/v1/chat/completions" || path === "/v1/embeddings"
    : method === "GET" && (path === "/v1/models" || MODEL_PATH.test(path));

function unknownPath(method: string, path: string): FakeError {
  const isWrongMethod = isKnown(method === "POST" ? "GET" : "POST", path);
  if (!isWrongMethod) return providerErrors.notFound(`Invalid URL (${method} ${path})`);
  const hint = "(HINT: Perhaps you meant to use a different HTTP method?)";
  return { ...providerErrors.notFound(`Not allowed to ${method} on ${path}. ${hint}`), status: 405 };
}

function readCall({ path, body }: CountedRequest): Call | Refusal {
  const fields = body as Readonly<Record<string, unknown>>;
  const kind = path === "/v1/embeddings" ? "embeddings" : "chat";
  const asked = kind === "chat" ? readChatRequest(fields) : readEmbeddingsRequest(fields);
  return "error" in asked ? asked : ({ kind, asked } as Call);
}

/** Counts a call against its key's limits, and says what it gets when it does not fit. Its place is free again when its reply is over. */
async function limitOf(
  { limits, places }: Api,
  request: CountedRequest,
  response: ServerResponse,
  { kind, asked }: Call,
  behaviour: FakeBehaviour,
): Promise<FakeError | undefined> {
  const { limit, contextTokens = Infinity } = behaviour;
  const { model, promptTokens } = asked;
  if (promptTokens > contextTokens) return providerErrors.contextLength(contextTokens, promptTokens);
  if (!limit) return undefined;
  const facts = { model, organization: organizationOf(behaviour) };
  const tokens = Math.max(promptTokens, kind === "chat" ? (asked.maxTokens ?? 0) : 0);
  const { error, headers } = limits.take({ ...facts, key: request.key, limit, tokens });
  setHeaders(response, headers);
  const { concurrent, whenBusy = "refuse" } = limit;
  if (error || concurrent === undefined) return error;
  const name = limit.group === undefined ? `key ${request.key}` : `group ${limit.group}`;
  const place =
    whenBusy === "wait" ? await places.wait(name, concurrent, request.closed) : places.take(name, concurrent);
  if (!place) {
    return providerErrors.rateLimit({ ...facts, by: "concurrent", limit: concurrent, retryAfterMs: BUSY_RETRY_MS });
  }
  // Before the client can know that the reply is over: its next call is not one too many.
  response.once("prefinish", place);
  response.once("close", place);
  return undefined;
}

/** After how long a key with a call too many at a time may be tried again. */
const BUSY_RETRY_MS = 1_000;

function setHeaders(response: ServerResponse, headers: Readonly<Record<string, string>> = {}): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
}

function sendModels({ path }: CountedRequest, response: ServerResponse, models: readonly string[] | undefined): void {
  const created = 1_700_000_000;
  const describe = (id: string) => ({ id, object: "model", created, owned_by: "fake" });
  const name = MODEL_PATH.exec(path)?.[1];
  if (name === undefined) {
    return sendJson(response, 200, { object: "list", data: (models ?? ["fake-model"]).map(describe) });
  }
  const id = decodeURIComponent(name);
  if (!models || models.includes(id)) sendJson(response, 200, describe(id));
  else sendError(response, providerErrors.modelNotFound(id));
}
