import { type Budget, openBudget } from "@quartet/budget";
import { GenerationService } from "@quartet/contracts/generation/v1/generation_service";
import { createProvider, type Provider } from "@quartet/provider";
import { createRedis, type Redis } from "@quartet/redis";
import type { ServiceModule } from "@quartet/rpc";
import {
  type App,
  createServiceApp,
  MAX_RELAY_MESSAGE_BYTES,
  MAX_RELAYED_REPLY_BYTES,
  relayedModels,
  type Telemetry,
} from "@quartet/service";
import { createChatClient, maxTokensField } from "./adapters/openai-chat/chat-client.ts";
import { createOpenAiAnswerer } from "./adapters/openai-chat/openai-answerer.ts";
import { createOpenAiRelay } from "./adapters/openai-relay/openai-relay.ts";
import { createPace, type Pace } from "./adapters/pace.ts";
import { type Config, relaysChats, usesModel } from "./config.ts";
import type { Answerer } from "./domain/answerer.ts";
import type { AnswererError } from "./domain/answerer-error.ts";
import { createBudgetedAnswerer } from "./domain/budgeted-answerer.ts";
import { createFallbackAnswerer } from "./domain/fallback-answerer.ts";
import { createExtractiveAnswerer } from "./domain/extractive-answerer.ts";
import { createGroundedAnswerer } from "./domain/grounded-answerer.ts";
import type { ChatRelay } from "./domain/relay/chat-relay.ts";
import type { ChatRules } from "./domain/relay/chat-rules.ts";
import { createBudgetedRelay } from "./domain/relay/budgeted-relay.ts";
import { createSectionedAnswerer } from "./domain/sections/sectioned-answerer.ts";
import { createSharedAnswerer } from "./domain/shared-answerer.ts";
import { createGenerateAnswer } from "./handlers/generate-answer.ts";
import { createRelayHandlers } from "./handlers/relay-handlers.ts";
import { createPromptFigures, type PromptFigures } from "./prompt-figures.ts";
import { createSectionFigures } from "./section-figures.ts";

export { parseConfig, relaysChats, usesModel, variables } from "./config.ts";
export type { Config } from "./config.ts";

export interface ModuleOptions {
  /** Of the whole process, whose owner starts and stops it. Default: one for this module alone, as its configuration says. */
  readonly budget?: Budget | undefined;
}

/** The service without a process around it: what standalone mounts. */
export function createModule(config: Config, telemetry: Telemetry, options: ModuleOptions = {}): ServiceModule {
  const extractive = createExtractiveAnswerer();
  const { log, metrics } = telemetry;
  const asked = usesModel(config) || relaysChats(config);
  const redis = asked ? openRedis(config, telemetry) : undefined;
  const provider = asked ? openProvider(config, { redis, log, metrics }) : undefined;
  // One for answers and chats: they share the thread that passes them on.
  const pace = createPace({ maxRestMs: Math.min(MAX_REST_MS, config.stallTimeoutMs / 2) });
  const ownBudget = "budget" in options || !asked ? undefined : openBudget(config, telemetry);
  const budget = options.budget ?? ownBudget;
  const prompts = createPromptFigures(metrics);
  const { model, complete } =
    provider && usesModel(config)
      ? createModelAnswerer(config, { extractive, provider, budget, pace, prompts, log, metrics })
      : { model: extractive, complete: (whole: Answerer) => whole };
  const answerer = complete(model);
  const sections = createSectionFigures(config.sections.keys(), metrics);
  const sectioned = createSectionedAnswerer({
    answerer: model,
    complete,
    instructions: config.sections,
    onWritten: sections.onWritten,
    onFailed: (section, error) => {
      sections.onFailed(section, error);
      log.warn({ section, err: error }, "a section failed; the others stand");
    },
  });
  return {
    routes: (add) =>
      add(GenerationService, {
        generateAnswer: createGenerateAnswer({ answerer, sectioned }),
        ...createRelayHandlers({
          relay: provider && relaysChats(config) ? createRelay(config, { provider, budget, pace }) : undefined,
          rules: chatRulesOf(config),
        }),
      }),
    ...(ownBudget && { budgets: ownBudget.figures }),
    start: async (signal) => await ownBudget?.start(signal),
    stop: async () => {
      await provider?.close();
      await ownBudget?.stop();
      await redis?.close();
    },
    figures: async () => ({
      pools: [provider, redis].flatMap((pool) => (pool === undefined ? [] : [pool.figures()])),
      counts: [...sections.counts(), ...prompts.counts()],
      keys: provider?.keys.usage().map((key) => ({ pool: "generation", ...key })) ?? [],
    }),
  };
}

/** What replicas share, where there is a Redis: which keys rest. */
function openRedis(config: Config, { log, metrics }: Telemetry): Redis | undefined {
  const { redisUrl, redisKeyPrefix: keyPrefix, redisTimeoutMs: timeoutMs } = config;
  if (redisUrl === undefined) return undefined;
  return createRedis({ url: redisUrl.reveal(), keyPrefix, timeoutMs, name: "generation", log, metrics });
}

/** How long what a model has written may rest while there are many streams; far below the time after which a pause counts as a stop. */
const MAX_REST_MS = 50;

/** A reply's bytes for each character of its text: every token, which may be less than one, comes in a JSON event of its own. */
const REPLY_BYTES_PER_CHARACTER = 1024;
const REPLY_BYTES_AT_LEAST = 1024 ** 2;

const maxReplyBytesOf = ({ maxOutputCharacters }: Config): number =>
  REPLY_BYTES_AT_LEAST + REPLY_BYTES_PER_CHARACTER * maxOutputCharacters;

/** The one way to the provider, for answers and for chats that are passed on: they share connections and keys. */
function openProvider(config: Config, given: { readonly redis: Redis | undefined } & Telemetry): Provider {
  return createProvider({ ...config, ...given, maxReplyBytes: maxReplyBytesOf(config) });
}

interface Asking {
  readonly provider: Provider;
  readonly budget: Budget | undefined;
  readonly pace: Pace;
}

function createRelay(config: Config, { provider, budget, pace }: Asking): ChatRelay {
  const { client, keysFor } = provider;
  const costOf = budget?.costNanos;
  const keys = keysFor("generation.chats");
  const maxWholeReplyBytes = Math.min(maxReplyBytesOf(config), MAX_RELAYED_REPLY_BYTES);
  const relay = createOpenAiRelay({ ...config, client, keys, pace, costOf, maxWholeReplyBytes });
  return budget ? createBudgetedRelay({ relay, budget }) : relay;
}

function chatRulesOf(config: Config): ChatRules {
  const models = relayedModels(config);
  return {
    models: models === "any" ? undefined : models,
    maxOutputTokens: config.relayMaxTokens,
    maxTokensField: maxTokensField(config.baseUrl),
  };
}

interface ModelAnswerer {
  readonly model: Answerer;
  /** Puts around a model what stands in for it where it gives no answer. */
  readonly complete: (answerer: Answerer) => Answerer;
}

function createModelAnswerer(
  config: Config,
  given: { readonly extractive: Answerer; readonly prompts: PromptFigures } & Asking & Telemetry,
): ModelAnswerer {
  const { extractive, provider, budget, pace, prompts, log, metrics } = given;
  const writing = createOpenAiAnswerer({
    ...config,
    chat: createChatClient({ ...config, provider: provider.client }),
    keys: provider.keysFor("generation.answers"),
    pace,
    costOf: budget && ((usage) => budget.costNanos(config.model, usage)),
  });
  const asked = prompts.counting(writing);
  const model = createGroundedAnswerer({
    model: createSharedAnswerer({
      answerer: budget ? createBudgetedAnswerer({ ...config, answerer: asked, budget }) : asked,
      onShared: metrics.counter("quartet_generation_shared_total").with({}).add,
    }),
    withoutPassages: extractive,
  });
  if (config.fallback === "none") return { model, complete: (whole) => whole };
  const onFallback = ({ failure, cause }: AnswererError) =>
    log.warn({ reason: failure, err: cause }, "the model gave no answer; sentences are quoted instead");
  const complete = (primary: Answerer) => createFallbackAnswerer({ primary, fallback: extractive, onFallback });
  return { model, complete };
}

/** The service as a process of its own, on gRPC. */
export function createApp(config: Config): App {
  return createServiceApp({
    name: "generation",
    config,
    createModule: (telemetry) => createModule(config, telemetry),
    writeMaxBytes: MAX_RELAY_MESSAGE_BYTES,
  });
}
