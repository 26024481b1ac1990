import { AnswerService } from "@quartet/contracts/gateway/v1/answer_service";
import { createClient, createInMemoryTransport, type HttpEndpoint, type Routes } from "@quartet/rpc";
import { relayedModels } from "@quartet/service";
import type { Config } from "../config.ts";
import { ANSWER_PATH } from "../http-routes.ts";
import type { GatewayModule } from "../module.ts";
import { createAnswerEventsEndpoint } from "./answer-events-endpoint.ts";
import { createChatEndpoint } from "./chat-endpoint.ts";
import { createModelsEndpoints } from "./models-endpoint.ts";

/** A chat is held whole in memory twice on its way; the contract takes no more. */
const MAX_CHAT_BYTES = 1024 ** 2;
const HEARTBEAT_MS = 15_000;

/** Paths that speak as others do: OpenAI's for chats, and server-sent events for answers. */
export function createEndpoints(config: Config, { routes, relay }: GatewayModule): readonly HttpEndpoint[] {
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
      relay,
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
