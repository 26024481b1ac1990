import type { ServerResponse } from "node:http";
import type { FakeBehaviour } from "./behaviour.ts";
import { missing, numberFault } from "./chat-request.ts";
import type { CountedRequest } from "./fake-request.ts";
import { type FakeError, providerErrors } from "./provider-errors.ts";
import { send, sendCut, sendEndlessly } from "./response.ts";
import { countTokens } from "./tokens.ts";

/** What an embeddings request asks for. */
export interface EmbeddingsRequest {
  readonly model: string;
  readonly texts: readonly string[];
  readonly dimensions: number | undefined;
  readonly isBase64: boolean;
  readonly promptTokens: number;
}

/** The most texts of one request. */
const MAX_TEXTS = 2_048;
/** More than models have. */
const MAX_DIMENSIONS = 16_384;

/** Reads a body that is an object with a model, or says in the provider's words what is wrong with it. */
export function readEmbeddingsRequest(
  body: Readonly<Record<string, unknown>>,
): EmbeddingsRequest | { readonly error: FakeError } {
  const { input, dimensions } = body;
  if (input === undefined || input === null) return { error: missing("input") };
  const texts = textsOf(input);
  if (texts.length === 0 || texts.length > MAX_TEXTS || texts.includes("")) {
    return {
      error: providerErrors.badRequest(
        "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.",
      ),
    };
  }
  const error = numberFault(body, "dimensions", { min: 1, max: MAX_DIMENSIONS, whole: true });
  if (error !== undefined) return { error };
  return {
    model: String(body["model"]),
    texts,
    dimensions: typeof dimensions === "number" ? dimensions : undefined,
    isBase64: body["encoding_format"] === "base64",
    promptTokens: texts.reduce((sum, text) => sum + countTokens(text), 0),
  };
}

/** One text, several, one as tokens, or several as tokens: numbers do as words. */
function textsOf(input: unknown): readonly string[] {
  if (!Array.isArray(input)) return [String(input)];
  if (input.every((each) => typeof each === "number")) return input.length === 0 ? [] : [input.join(" ")];
  return input.map((each) => (Array.isArray(each) ? each.join(" ") : String(each)));
}

/** Answers POST /v1/embeddings, with the faults that are asked for. */
export async function answerEmbeddings(
  asked: EmbeddingsRequest,
  request: CountedRequest,
  response: ServerResponse,
  behaviour: FakeBehaviour,
): Promise<void> {
  const { dimensions = 64, vectors = "right", cut, endless } = behaviour;
  const size = asked.dimensions ?? dimensions;
  request.inputTokens = asked.promptTokens;
  if (endless) {
    return sendEndlessly(response, '{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0', ",0.125");
  }
  const data = asked.texts.map((text, index) => {
    const vector = fakeVector(text, vectors === "shorter" && index === asked.texts.length - 1 ? size - 1 : size);
    if (vectors === "not-finite") vector[0] = asked.isBase64 ? NaN : Infinity;
    return `{"object":"embedding","index":${index},"embedding":${asked.isBase64 ? `"${base64(vector)}"` : numbers(vector)}}`;
  });
  if (vectors === "fewer") data.pop();
  if (vectors === "reordered") data.reverse();
  const usage =
    behaviour.usage === "none"
      ? ""
      : `,"usage":${JSON.stringify(usageOf(behaviour.usage?.inputTokens ?? asked.promptTokens))}`;
  const text = `{"object":"list","data":[${data.join(",")}],"model":${JSON.stringify(asked.model)}${usage}}`;
  if (cut) return sendCut(response, text, cut.by);
  send(response, 200, "application/json", text);
}

const usageOf = (tokens: number) => ({ prompt_tokens: tokens, total_tokens: tokens });

/**
 * A vector of length 1 that depends on the text alone: signed counts of its hashed character trigrams, so that texts with words in common
 * are near each other.
 */
export function fakeVector(text: string, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions);
  const characters = [...(" " + text.normalize("NFC").toLowerCase() + " ")];
  for (let start = 0; start + 1 < characters.length; start++) {
    const hash = fnv1a(characters.slice(start, start + 3).join(""));
    const at = (hash >>> 1) % dimensions;
    vector[at] = vector[at]! + (hash & 1 ? 1 : -1);
  }
  // Counts may cancel each other out; a vector without a direction must not come of it.
  if (vector.every((component) => component === 0)) vector[0] = 1;
  const length = Math.hypot(...vector);
  return vector.map((component) => component / length);
}

/** JSON knows nothing infinite; it is sent as 1e999, which is read as infinite and is no better. */
const numbers = (vector: Float32Array): string =>
  `[${Array.from(vector, (component) => (component === Infinity ? "1e999" : String(component))).join(",")}]`;

function base64(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  vector.forEach((component, index) => bytes.writeFloatLE(component, index * 4));
  return bytes.toString("base64");
}

/** 32-bit FNV-1a over UTF-16 code units. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
