import { StartError } from "@quartet/service";

/** How token vectors become the vector of a text, under sentence-transformers' names. */
export const poolings = ["mean", "cls", "max", "mean_sqrt_len", "lasttoken"] as const;
export type Pooling = (typeof poolings)[number];

/** What has to be known of a sentence-transformer to run it, beside the model itself. */
export interface ModelSettings {
  readonly pooling: Pooling;
  /** Put before a text as they are, spaces included. */
  readonly prefixes: { readonly query: string; readonly document: string };
  /** The most tokens that the model reads, special ones included. */
  readonly maxTokens: number;
  /** Whether texts are lower-cased before they are cut into tokens. */
  readonly lowercase: boolean;
  /** Fills up shorter texts of a batch; undefined: the tokenizer's number 0. */
  readonly padToken: string | undefined;
}

/** The JSON files of a model's folder, by their paths in it; undefined where one is not there. */
export type SettingsFiles = Readonly<Record<SettingsFile, unknown>>;

/** Read where they are there. */
export const settingsFiles = [
  "modules.json",
  "1_Pooling/config.json",
  "config_sentence_transformers.json",
  "sentence_bert_config.json",
  "tokenizer_config.json",
  "config.json",
] as const;
export type SettingsFile = (typeof settingsFiles)[number];

const DEFAULT_MAX_TOKENS = 512;
/** tokenizer_config.json says 1e30 where nobody set a limit. */
const NO_LIMIT = 1_000_000;
/** Their positions begin behind the padding's number, which costs two of those config.json counts. */
const positionsTaken: Readonly<Record<string, number>> = { roberta: 2, "xlm-roberta": 2, camembert: 2, mpnet: 2 };

/** What sentence-transformers does after the model, and this does too. Vectors are brought to length 1 in any case: no cosine changes. */
const knownModules = ["Transformer", "Pooling", "Normalize"];

/**
 * Reads what sentence-transformers writes beside a model. What no file says is as most models have it: mean pooling, no prefixes, 512 tokens.
 *
 * @throws {StartError} where the model does something else than this can do
 */
export function readModelSettings(files: SettingsFiles): ModelSettings {
  checkModules(files["modules.json"]);
  const pooling = record(files["1_Pooling/config.json"]);
  const sentenceBert = record(files["sentence_bert_config.json"]);
  const prompts = record(record(files["config_sentence_transformers.json"])["prompts"]);
  const prefixes = {
    query: text(prompts["query"]) ?? "",
    document: text(prompts["document"]) ?? text(prompts["passage"]) ?? "",
  };
  if (pooling["include_prompt"] === false && prefixes.query + prefixes.document !== "")
    throw new StartError(
      "1_Pooling/config.json leaves prompts out of pooling (include_prompt), which is not supported.",
    );
  const padToken = record(files["tokenizer_config.json"])["pad_token"];
  return {
    pooling: readPooling(pooling),
    prefixes,
    maxTokens: readMaxTokens(files),
    lowercase: sentenceBert["do_lower_case"] === true,
    // Either the token, or an object that describes it.
    padToken: text(padToken) ?? text(record(padToken)["content"]),
  };
}

function checkModules(modules: unknown): void {
  if (!Array.isArray(modules)) return;
  const types = modules.map((each) => text(record(each)["type"])?.split(".").at(-1) ?? "");
  const unknown = types.find((type) => !knownModules.includes(type));
  if (unknown === undefined) return;
  throw new StartError(
    `modules.json has a layer of type ${JSON.stringify(unknown)}. Only Transformer, Pooling and Normalize are supported; export the model with such layers inside the ONNX file.`,
  );
}

function readPooling(config: Readonly<Record<string, unknown>>): Pooling {
  const flags: readonly (readonly [string, Pooling])[] = [
    ["pooling_mode_mean_tokens", "mean"],
    ["pooling_mode_cls_token", "cls"],
    ["pooling_mode_max_tokens", "max"],
    ["pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len"],
    ["pooling_mode_lasttoken", "lasttoken"],
  ];
  const set = Object.keys(config).filter((name) => name.startsWith("pooling_mode_") && config[name] === true);
  const [mode = "pooling_mode_mean_tokens", another] = set;
  const known = flags.find(([name]) => name === mode);
  if (known !== undefined && another === undefined) return known[1];
  throw new StartError(
    `1_Pooling/config.json asks for ${set.join(" and ")}. One of ${flags.map(([name]) => name).join(", ")} is supported.`,
  );
}

function readMaxTokens(files: SettingsFiles): number {
  const config = record(files["config.json"]);
  const positions = wholeNumber(config["max_position_embeddings"]);
  const limits = [
    wholeNumber(record(files["sentence_bert_config.json"])["max_seq_length"]),
    wholeNumber(record(files["tokenizer_config.json"])["model_max_length"]),
    positions === undefined ? undefined : positions - (positionsTaken[text(config["model_type"]) ?? ""] ?? 0),
  ].filter((limit) => limit !== undefined && limit < NO_LIMIT);
  return limits.length === 0 ? DEFAULT_MAX_TOKENS : Math.min(...(limits as number[]));
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

const wholeNumber = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isInteger(value) && value > 2 ? value : undefined;
