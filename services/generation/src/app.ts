import { createKeyPool } from "@quartet/key-pool";
import { GenerationService } from "@quartet/contracts/generation/v1/generation_service";
import type { ServiceModule } from "@quartet/rpc";
import { createServiceApp, type App, type Telemetry } from "@quartet/service";
import { createChatClient } from "./adapters/openai-chat/chat-client.ts";
import { createOpenAiAnswerer } from "./adapters/openai-chat/openai-answerer.ts";
import { classify } from "./adapters/openai-chat/provider-errors.ts";
import { type Config, usesModel } from "./config.ts";
import type { Answerer } from "./domain/answerer.ts";
import type { AnswererError } from "./domain/answerer-error.ts";
import { createFallbackAnswerer } from "./domain/fallback-answerer.ts";
import { createExtractiveAnswerer } from "./domain/extractive-answerer.ts";
import { createGroundedAnswerer } from "./domain/grounded-answerer.ts";
import { createGenerateAnswer } from "./handlers/generate-answer.ts";

export { parseConfig, usesModel, variables } from "./config.ts";
export type { Config } from "./config.ts";

/** The service without a process around it: what standalone mounts. */
export function createModule(config: Config, { log }: Pick<Telemetry, "log">): ServiceModule {
  const extractive = createExtractiveAnswerer();
  const { answerer, close } = usesModel(config)
    ? createModelAnswerer(config, { extractive, log })
    : { answerer: extractive, close: undefined };
  return {
    routes: (add) => add(GenerationService, { generateAnswer: createGenerateAnswer({ answerer }) }),
    ...(close === undefined ? {} : { stop: close }),
  };
}

/** A reply's bytes for each character of its text: every token, which may be less than one, comes in a JSON event of its own. */
const REPLY_BYTES_PER_CHARACTER = 1024;
const REPLY_BYTES_AT_LEAST = 1024 ** 2;

function createModelAnswerer(
  config: Config,
  { extractive, log }: { readonly extractive: Answerer } & Pick<Telemetry, "log">,
): { answerer: Answerer; close: () => Promise<void> } {
  const maxReplyBytes = REPLY_BYTES_AT_LEAST + REPLY_BYTES_PER_CHARACTER * config.maxOutputCharacters;
  const chat = createChatClient({ ...config, maxReplyBytes });
  // A local server that takes no key still wants the header.
  const keys = config.apiKeys.map(({ label, secret }) => ({ label, value: secret.reveal() }));
  const pool = createKeyPool({ keys: keys.length > 0 ? keys : [{ label: "no-key", value: "none" }], classify });
  const model = createGroundedAnswerer({
    model: createOpenAiAnswerer({ ...config, chat, keys: pool }),
    withoutPassages: extractive,
  });
  if (config.fallback === "none") return { answerer: model, close: chat.close };
  const onFallback = ({ failure, cause }: AnswererError) =>
    log.warn({ reason: failure, err: cause }, "the model gave no answer; sentences are quoted instead");
  return { answerer: createFallbackAnswerer({ primary: model, fallback: extractive, onFallback }), close: chat.close };
}

/** The service as a process of its own, on gRPC. */
export function createApp(config: Config): App {
  return createServiceApp({ name: "generation", config, createModule: (telemetry) => createModule(config, telemetry) });
}
