import { truncateToGraphemes } from "@quartet/text";
import type { Embedder, EmbeddingSpace, Purpose, TextVector } from "../../domain/embedder.ts";
import { EmbedderError } from "../../domain/embedder-error.ts";
import { spaceId } from "../../domain/space-id.ts";
import type { Inference } from "./inference.ts";
import { identityOf, type Manifest } from "./manifest.ts";
import { tokenBatches } from "./token-batches.ts";

export interface OnnxEmbedderOptions {
  readonly inference: Inference;
  readonly model: Manifest;
  /** Code points that the model reads of a text at most, prefix not counted. */
  readonly maxTextCharacters: number;
  /** Tokens in one computation, about. */
  readonly batchTokens: number;
  readonly denseWeight: number;
  readonly cacheThreshold: number;
}

/** Fewer bytes of UTF-8 than this make a token in no language that is common: an estimate that is rarely too low. */
const BYTES_PER_TOKEN = 3;

/** An embedding model on this machine. It asks for one batch after the other, so that others come in between. */
export function createOnnxEmbedder(options: OnnxEmbedderOptions): Embedder {
  const { inference, model, maxTextCharacters, batchTokens } = options;
  const space = spaceOf(options);
  const prefixOf: Readonly<Record<Purpose, string>> = {
    QUERY: model.settings.prefixes.query,
    DOCUMENT: model.settings.prefixes.document,
  };
  const estimate = (text: string) =>
    Math.min(model.settings.maxTokens, 2 + Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN));
  return {
    knownSpace: space,
    space: async () => space,
    embed: async (texts, { purpose, signal }) => {
      // A single grapheme above the limit goes as it is.
      const read = texts.map((text) => truncateToGraphemes(text, maxTextCharacters) || text);
      const prefixed = read.map((text) => prefixOf[purpose] + text);
      const found = new Array<TextVector>(texts.length);
      for (const { places } of tokenBatches(prefixed.map(estimate), batchTokens)) {
        const batch = places.map((place) => prefixed[place]!);
        const { vectors, truncated } = await inference.run(batch, { urgent: purpose === "QUERY", signal });
        for (const [index, place] of places.entries()) {
          const vector = checked(vectors[index]!, space.dimensions);
          found[place] = { vector, truncated: truncated[index]! || read[place] !== texts[place] };
        }
      }
      return { vectors: found };
    },
    close: () => inference.close(),
  };
}

function spaceOf({ model, denseWeight, cacheThreshold }: OnnxEmbedderOptions): EmbeddingSpace {
  const { name, dimensions, settings } = model;
  const { prefixes } = settings;
  // The name is for people: two machines may have given the same model two names.
  const id = spaceId({ model: identityOf(model), revision: "", dimensions, prefixes, normalization: "l2" });
  return { id, dimensions, kind: "SEMANTIC", denseWeight, cacheThreshold, model: name };
}

function checked(vector: Float32Array, dimensions: number): Float32Array {
  if (vector.length === dimensions) return vector;
  throw new EmbedderError(
    "EMBED_SHAPE",
    `The local model gave ${vector.length} dimensions where it had ${dimensions}. Remove it and add it again.`,
  );
}
