import { normalized } from "@quartet/vector";
import { EmbedderError } from "../../domain/embedder-error.ts";

/**
 * Reads what an OpenAI-compatible endpoint answered, believing nothing of it: the SDK passes anything on.
 *
 * @param expected how many texts were sent, and how long vectors are, if that is known.
 * @returns vectors in the order of the texts, each of length 1.
 * @throws {EmbedderError} LLM_PROTOCOL where it is no list of embeddings, EMBED_SHAPE where the vectors are not those asked for.
 */
export function readVectors(
  reply: unknown,
  expected: { readonly count: number; readonly dimensions: number | undefined },
): readonly Float32Array[] {
  if (!isObject(reply) || !Array.isArray(reply["data"])) {
    throw new EmbedderError(
      "LLM_PROTOCOL",
      "The model endpoint's answer is no list of embeddings; check that OPENAI_BASE_URL leads to an OpenAI-compatible API.",
    );
  }
  const data: readonly unknown[] = reply["data"];
  if (data.length !== expected.count) throw wrongShape(`${data.length} embeddings for ${expected.count} texts`);
  const vectors: Float32Array[] = [];
  let dimensions = expected.dimensions;
  for (const item of data) {
    const { index, embedding } = isObject(item) ? item : {};
    if (
      !Number.isInteger(index) ||
      (index as number) < 0 ||
      (index as number) >= data.length ||
      vectors[index as number]
    ) {
      throw wrongShape("an index that is none or occurs twice");
    }
    const vector = readVector(embedding);
    dimensions ??= vector.length;
    if (vector.length !== dimensions)
      throw wrongShape(`a vector of ${vector.length} dimensions instead of ${dimensions}`);
    vectors[index as number] = vector;
  }
  return vectors;
}

/** How many tokens the provider says that it took; undefined where it tells none, as many servers do by a 0. */
export function readInputTokens(reply: unknown): number | undefined {
  const usage = isObject(reply) ? reply["usage"] : undefined;
  if (!isObject(usage)) return undefined;
  const counts = [usage["prompt_tokens"], usage["total_tokens"]];
  return counts.find((count): count is number => Number.isSafeInteger(count) && (count as number) > 0);
}

function readVector(embedding: unknown): Float32Array {
  const components = typeof embedding === "string" ? decode(embedding) : embedding;
  const isVector = components instanceof Float32Array || Array.isArray(components);
  if (!isVector || components.length === 0) throw noVector("an embedding that is no vector");
  if (!components.every((component) => Number.isFinite(component))) throw noVector("a component that is no number");
  const vector = normalized(components);
  if (!vector.every(Number.isFinite) || !vector.some((component) => component !== 0))
    throw noVector("a vector without a direction");
  return vector;
}

/** Little-endian single precision in base64, as the API sends when asked for base64. */
function decode(text: string): Float32Array {
  const bytes = Buffer.from(text, "base64");
  if (bytes.byteLength % 4 !== 0) throw wrongShape("a vector cut off");
  return Float32Array.from({ length: bytes.byteLength / 4 }, (_, index) => bytes.readFloatLE(index * 4));
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

/** Some models compute NaN, or nothing at all, for a text that they do not get along with, and vectors for all others. */
const noVector = (what: string) => wrongShape(what, true);

/** Numbers only: nothing of the provider's text. */
const wrongShape = (what: string, refusesTexts = false) =>
  new EmbedderError(
    "EMBED_SHAPE",
    `The model endpoint gave ${what}; none of it was used. Check QUARTET_EMBEDDING_MODEL and QUARTET_EMBEDDING_DIMENSIONS.`,
    { refusesTexts },
  );
