import { type FakeError, providerErrors } from "./provider-errors.ts";
import { countTokens } from "./tokens.ts";

/** What a chat request asks for, of what matters here. The rest (tools, formats, seeds) is taken and has no effect. */
export interface ChatRequest {
  readonly model: string;
  readonly isStream: boolean;
  readonly wantsUsage: boolean;
  readonly choices: number;
  readonly maxTokens: number | undefined;
  readonly stop: readonly string[];
  /** The texts of the messages, in order. */
  readonly texts: readonly string[];
  readonly promptTokens: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** The provider counts some tokens around each message. */
const TOKENS_PER_MESSAGE = 4;
const MAX_CHOICES = 128;
const MAX_STOPS = 4;

/** Reads a body that is an object with a model, or says in the provider's words what is wrong with it. */
export function readChatRequest(body: Fields): ChatRequest | { readonly error: FakeError } {
  const error = faultOf(body);
  if (error) return { error };
  const texts = messageTexts(body);
  const maxTokens = body["max_completion_tokens"] ?? body["max_tokens"];
  const stop = body["stop"];
  const messages = body["messages"] as readonly unknown[];
  return {
    model: String(body["model"]),
    isStream: body["stream"] === true,
    wantsUsage: (body["stream_options"] as Fields | null | undefined)?.["include_usage"] === true,
    choices: typeof body["n"] === "number" ? body["n"] : 1,
    maxTokens: typeof maxTokens === "number" ? maxTokens : undefined,
    stop: stop === undefined || stop === null ? [] : [stop].flat().map(String),
    texts,
    promptTokens: texts.reduce((sum, text) => sum + countTokens(text), TOKENS_PER_MESSAGE * messages.length),
  };
}

/** The texts of the messages of a chat request, in order. */
function messageTexts(body: unknown): readonly string[] {
  const messages: unknown = (body as Fields | undefined)?.["messages"];
  if (!Array.isArray(messages)) return [];
  return messages.flatMap((message: { readonly content?: unknown } | null) => {
    const content = message?.content;
    if (typeof content === "string") return [content];
    return Array.isArray(content)
      ? content.map((part: { readonly text?: unknown } | null) => String(part?.text ?? ""))
      : [];
  });
}

function faultOf(body: Fields): FakeError | undefined {
  const { messages, stop } = body;
  if (messages === undefined) return missing("messages");
  if (!Array.isArray(messages)) return wrongType("messages", "an array of objects", messages);
  if (messages.length === 0) {
    return providerErrors.badRequest(
      "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
      "messages",
      "empty_array",
    );
  }
  if (Array.isArray(stop) && stop.length > MAX_STOPS) {
    return providerErrors.badRequest(
      `Invalid 'stop': array too long. Expected an array with maximum length ${MAX_STOPS}, but got an array with length ${stop.length} instead.`,
      "stop",
      "array_above_max_length",
    );
  }
  return (
    numberFault(body, "n", { min: 1, max: MAX_CHOICES, whole: true }) ??
    numberFault(body, "max_tokens", { min: 1, max: Infinity, whole: true }) ??
    numberFault(body, "max_completion_tokens", { min: 1, max: Infinity, whole: true }) ??
    numberFault(body, "temperature", { min: 0, max: 2, whole: false }) ??
    numberFault(body, "top_p", { min: 0, max: 1, whole: false })
  );
}

/** As the provider says that a number is none, or out of bounds; undefined where nothing is wrong with it. */
export function numberFault(
  body: Fields,
  name: string,
  { min, max, whole }: { readonly min: number; readonly max: number; readonly whole: boolean },
): FakeError | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  const kind = whole ? "integer" : "decimal";
  if (typeof value !== "number" || (whole && !Number.isInteger(value))) {
    return wrongType(name, whole ? "an integer" : "a decimal", value);
  }
  if (value >= min && value <= max) return undefined;
  const [side, bound, sign] =
    value < min ? (["below minimum", min, ">="] as const) : (["above maximum", max, "<="] as const);
  return providerErrors.badRequest(
    `Invalid '${name}': ${kind} ${side} value. Expected a value ${sign} ${bound}, but got ${value} instead.`,
    name,
    `${kind}_${value < min ? "below_min" : "above_max"}_value`,
  );
}

/** As the provider says that a field is not there. */
export const missing = (name: string): FakeError =>
  providerErrors.badRequest(`Missing required parameter: '${name}'.`, name, "missing_required_parameter");

const wrongType = (name: string, expected: string, value: unknown): FakeError =>
  providerErrors.badRequest(
    `Invalid type for '${name}': expected ${expected}, but got ${kindOf(value)} instead.`,
    name,
    "invalid_type",
  );

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "number") return Number.isInteger(value) ? "an integer" : "a decimal number";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
