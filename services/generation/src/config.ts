import { budgetVariables, checkBudget } from "@quartet/budget";
import {
  checkDatabaseUrl,
  checkRedisUrl,
  checkTls,
  ConfigError,
  hasProvider,
  parseEnv,
  providerVariables,
  redisVariables,
  relayedModels,
  relayVariables,
  serverVariables,
  variable,
  type ConfigOf,
  type Environment,
} from "@quartet/service";
import { instructionsKind } from "./config-sections.ts";
import { builtInInstructions } from "./domain/sections/instructions.ts";

/** Everything that the generation service reads from the environment. */
export const variables = {
  ...serverVariables({ service: "generation", port: 50_054 }),
  answerer: variable.choice("QUARTET_ANSWERER", ["auto", "openai", "extractive"], {
    default: "auto",
    doc: "Who writes answers: an OpenAI-compatible model, or quoted sentences; auto takes the model if a key or base URL is set.",
  }),
  fallback: variable.choice("QUARTET_GENERATION_FALLBACK", ["extractive", "none"], {
    default: "extractive",
    doc: "What happens when the model fails before its first word: quoted sentences and a note, or the error.",
  }),
  ...providerVariables,
  model: variable.text("QUARTET_GENERATION_MODEL", {
    default: "gpt-4o-mini",
    pattern: /^[\x21-\x7e]{1,128}$/,
    expected: "a model name of at most 128 characters without spaces",
    doc: "The model that writes answers, as the provider names it.",
  }),
  temperature: variable.number("QUARTET_GENERATION_TEMPERATURE", {
    optional: true,
    min: 0,
    max: 2,
    doc: "How freely the model writes; without it, the provider's own default.",
  }),
  sections: variable.parsed(
    "QUARTET_GENERATION_SECTIONS",
    {
      default: builtInInstructions,
      doc: "What to write in sections of which a question says only the name: name=instruction on lines of their own (name.ko=... for questions in Korean), beside the built-in summary, symbols and recommendations.",
    },
    instructionsKind,
  ),
  maxOutputTokens: variable.integer("QUARTET_GENERATION_MAX_TOKENS", {
    default: 1_024,
    min: 16,
    max: 65_536,
    doc: "The longest answer in tokens, as told to the model.",
  }),
  maxOutputCharacters: variable.integer("QUARTET_GENERATION_MAX_CHARACTERS", {
    default: 20_000,
    min: 100,
    max: 1_000_000,
    doc: "The longest answer in characters; one that goes on is cut and ends with finish reason LENGTH.",
  }),
  totalTimeoutMs: variable.duration("QUARTET_GENERATION_TIMEOUT", {
    default: 120_000,
    min: 100,
    max: 3_600_000,
    doc: "The longest time for one answer, whatever the caller's deadline.",
  }),
  firstTokenTimeoutMs: variable.duration("QUARTET_GENERATION_FIRST_TOKEN_TIMEOUT", {
    default: 15_000,
    min: 50,
    max: 600_000,
    doc: "How long the model may take to its first word, all attempts together.",
  }),
  stallTimeoutMs: variable.duration("QUARTET_GENERATION_STALL_TIMEOUT", {
    default: 10_000,
    min: 50,
    max: 600_000,
    doc: "How long the model may pause within an answer.",
  }),
  ...relayVariables,
  relayMaxTokens: variable.integer("QUARTET_RELAY_MAX_TOKENS", {
    optional: true,
    min: 1,
    max: 131_072,
    doc: "The longest reply to a chat that is passed on, in tokens: more is refused, and a chat that names no number gets this one; without it, the client's and the model's own.",
  }),
  ...budgetVariables,
  ...redisVariables,
} as const;

export type Config = ConfigOf<typeof variables>;

/** @throws {ConfigError} with one line per mistake. */
export function parseConfig(environment: Environment): Config {
  const config = parseEnv(variables, environment);
  checkTls(config);
  checkRedisUrl(config);
  checkDatabaseUrl(config);
  if (config.answerer === "openai" && !hasProvider(config)) {
    throw new ConfigError([
      "QUARTET_ANSWERER: openai needs a provider. Set OPENAI_API_KEY or OPENAI_BASE_URL, or choose auto or extractive.",
    ]);
  }
  checkBudget(config, modelsOf(config));
  return config;
}

/** The models that the operator has named, each with the variable that does. */
function modelsOf(config: Config) {
  const relayed = relaysChats(config) ? relayedModels(config) : [];
  return [
    ...(usesModel(config) ? [{ name: config.model, variable: "QUARTET_GENERATION_MODEL" }] : []),
    ...(relayed === "any" ? [] : relayed.map((name) => ({ name, variable: "QUARTET_RELAY_MODELS" }))),
  ];
}

/** Whether a model writes the answers. */
export function usesModel(config: Config): boolean {
  return config.answerer === "openai" || (config.answerer === "auto" && hasProvider(config));
}

/** Whether chats are passed on to the provider. */
export function relaysChats(config: Config): boolean {
  return hasProvider(config) && relayedModels(config).length > 0;
}
