import { forEachGram } from "./grams.ts";
import { mix } from "./hash.ts";
import { staticTable } from "./static-idf.ts";

export interface HashedEmbeddingOptions {
  /** Length of the vector. Default 2,048. */
  readonly dimensions?: number;
}

/** Raised whenever the same text would get another vector from the same tables. */
const algorithm = "signed-char-ngrams-1";
const defaultDimensions = 2_048;
/** BM25's k1. */
const saturation = 1.2;

/**
 * A vector made from the text alone, without a model: signed hashing (Weinberger et al. 2009, "Feature Hashing for Large
 * Scale Multitask Learning") of character n-grams, each weighted count / (count + 1.2) x the square root of its idf in a
 * static table, and the whole scaled to length 1. Both are BM25's: a count that saturates, and an idf that is in the
 * product of two vectors once. Texts that share rare sequences of letters are near, whatever their endings. Deterministic on every
 * machine up to floating point's last bit. A text without letters and digits is the zero vector.
 */
export function hashedEmbedding(
  text: string,
  { dimensions = defaultDimensions }: HashedEmbeddingOptions = {},
): Float32Array {
  const counts = new Map<number, number>();
  forEachGram(text, (hash) => counts.set(hash, (counts.get(hash) ?? 0) + 1));
  const table = staticTable("grams");
  const vector = new Float64Array(dimensions);
  for (const [hash, count] of counts) {
    const weight = (count / (count + saturation)) * Math.sqrt(table.idf(hash));
    // A second hash, so that the place in the vector says nothing about the place in the table.
    const place = mix(hash ^ 0x5bd1e995);
    vector[(place >>> 1) % dimensions]! += (place & 1) === 0 ? weight : -weight;
  }
  return scaledToUnitLength(vector);
}

/** Tells vectors of this function apart from all others: equal identities mean comparable vectors. */
export function hashedEmbeddingIdentity({ dimensions = defaultDimensions }: HashedEmbeddingOptions = {}): string {
  return `${algorithm}/${staticTable("grams").checksum}/${dimensions}`;
}

function scaledToUnitLength(vector: Float64Array): Float32Array {
  let sum = 0;
  for (const component of vector) sum += component * component;
  const scale = sum === 0 ? 0 : 1 / Math.sqrt(sum);
  const scaled = new Float32Array(vector.length);
  for (let index = 0; index < vector.length; index += 1) scaled[index] = vector[index]! * scale;
  return scaled;
}
