import { AnswerService } from "@quartet/contracts/gateway/v1/answer_service";
import { SearchService } from "@quartet/contracts/gateway/v1/search_service";
import {
  createClient,
  createInMemoryTransport,
  type HttpEndpoint,
  type HttpHandler,
  type HttpResponse,
  pathOf,
  type Routes,
} from "@quartet/rpc";
import { relayedModels } from "@quartet/service";
import type { Metrics } from "@quartet/telemetry";
import type { Config } from "./config.ts";
import { createAnswerEventsEndpoint } from "./http/answer-events-endpoint.ts";
import { createChatEndpoint } from "./http/chat-endpoint.ts";
import { createModelsEndpoints } from "./http/models-endpoint.ts";
import type { GatewayModule } from "./module.ts";
import type { Readiness } from "./readiness.ts";

const rpcPath = ({ parent, name }: { readonly parent: { readonly typeName: string }; readonly name: string }) =>
  `/${parent.typeName}/${name}`;

/** The path at which an answer is JSON, or a stream of events where that is asked for. */
const ANSWER_PATH = "/api/v1/answer";

/** Paths for scripts: the same JSON, the same errors, as the rpcs themselves over Connect. */
export const aliases = {
  "/api/v1/search": rpcPath(SearchService.method.searchPassages),
  [ANSWER_PATH]: rpcPath(AnswerService.method.answerQuestion),
};

/** A chat is held whole in memory twice on its way; the contract of RelayChat takes no more. */
const MAX_CHAT_BYTES = 1024 ** 2;
const HEARTBEAT_MS = 15_000;

/** Paths that speak as others do: OpenAI's for chats, and server-sent events for answers. */
export function createEndpoints(config: Config, { routes, relayChat }: GatewayModule): readonly HttpEndpoint[] {
  const { maxMessageBytes, maxTimeoutMs, defaultTimeoutMs, generateTimeoutMs } = config;
  const own: Routes = (add) =>
    routes((service, handlers) => {
      if (service.typeName === AnswerService.typeName) add(service, handlers);
    });
  const transport = createInMemoryTransport(own, { validate: true, defaultTimeoutMs, maxTimeoutMs });
  const answers = createClient(AnswerService, transport);
  const models = relayedModels(config);
  return [
    createChatEndpoint({
      answers,
      relay: relayChat,
      maxBytes: Math.min(MAX_CHAT_BYTES, maxMessageBytes),
      defaultTimeoutMs: Math.max(defaultTimeoutMs, generateTimeoutMs),
    }),
    ...createModelsEndpoints(models === "any" ? [] : models),
    createAnswerEventsEndpoint({ path: ANSWER_PATH, answers, maxBytes: maxMessageBytes, heartbeatMs: HEARTBEAT_MS }),
  ];
}

/** Headers that OpenAI's SDK sends from pages of other origins, and those it reads. */
export const openAiHeaders = {
  allowedHeaders: [
    "openai-organization",
    "openai-project",
    ...["arch", "async", "helper-method", "lang", "os", "package-version", "poll-helper", "retry-count", "runtime"].map(
      (name) => `x-stainless-${name}`,
    ),
    "x-stainless-runtime-version",
    "x-stainless-timeout",
  ],
  exposedHeaders: ["retry-after", "retry-after-ms", "x-should-retry"],
};

export interface HttpRoutesOptions {
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  /** Whether the process is going down. */
  readonly draining: () => boolean;
}

/** /healthz, /readyz and /metrics, for whoever runs the process; everything else is 404. */
export function createHttpRoutes({ metrics, readiness, draining }: HttpRoutesOptions): HttpHandler {
  const routes = new Map<string, (response: HttpResponse, signal: AbortSignal) => Promise<void>>([
    // Says only that the process runs: nothing that a restart would not mend may turn it red.
    ["/healthz", async (response) => send(response, 200, "text/plain", "ok\n")],
    [
      "/readyz",
      async (response, signal) => {
        const missing = draining() ? ["gateway"] : await readiness(signal);
        if (missing.length === 0) send(response, 200, "text/plain", "ready\n");
        else send(response, 503, "text/plain", `not ready: ${missing.join(", ")}\n`);
      },
    ],
    [
      "/metrics",
      async (response) => {
        const { contentType, text } = await metrics.exposition();
        send(response, 200, contentType, text);
      },
    ],
  ]);
  return async (request, response) => {
    const route = routes.get(pathOf(request));
    if (route === undefined) return send(response, 404, "text/plain", "There is nothing here.\n");
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      return send(response, 405, "text/plain", "Only GET is answered here.\n");
    }
    const left = new AbortController();
    response.once("close", () => left.abort());
    await route(response, left.signal);
  };
}

function send(response: HttpResponse, status: number, contentType: string, body: string): void {
  response.statusCode = status;
  response.setHeader("content-type", contentType);
  response.setHeader("cache-control", "no-store");
  response.end(body);
}
