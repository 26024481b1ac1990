import type { FakeBehaviour } from "./behaviour.ts";
import { countTokens } from "./tokens.ts";

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

/** The reply of POST /v1/embeddings, with the faults that are asked for. */
export function embeddingsReply(body: unknown, { dimensions = 64, vectors = "right" }: FakeBehaviour): object {
  const request = body as Readonly<Record<string, unknown>>;
  const texts = [request["input"]].flat().map(String);
  const size = typeof request["dimensions"] === "number" ? request["dimensions"] : dimensions;
  const data = texts.map((text, index) => {
    const vector = fakeVector(text, vectors === "shorter" && index === texts.length - 1 ? size - 1 : size);
    const inBase64 = request["encoding_format"] === "base64";
    // JSON knows no NaN; it is sent as 1e999, which is read as infinite and is no better.
    if (vectors === "not-finite") vector[0] = inBase64 ? NaN : Infinity;
    const embedding = inBase64 ? base64(vector) : [...vector];
    return { object: "embedding", index, embedding };
  });
  if (vectors === "fewer") data.pop();
  if (vectors === "reordered") data.reverse();
  const tokens = countTokens(texts.join(" "));
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  return { object: "list", data, model: request["model"], usage };
}

const base64 = (vector: Float32Array): string => {
  const bytes = Buffer.alloc(vector.length * 4);
  vector.forEach((component, index) => bytes.writeFloatLE(component, index * 4));
  return bytes.toString("base64");
};

/** 32-bit FNV-1a over UTF-16 code units. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
