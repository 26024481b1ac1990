import type { Cache } from "@quartet/cache";
import { nfc } from "@quartet/text";
import { EmbedderError } from "./embedder-error.ts";
import type { Embedder, EmbeddingSpace, Purpose, TextVector, Usage } from "./embedder.ts";

export interface EmbedRequest {
  readonly texts: readonly string[];
  readonly purpose: Purpose;
  /** Empty for the configured space. */
  readonly spaceId: string;
  readonly signal: AbortSignal;
}

export interface Embedded extends TextVector {
  /** Whether it came from the cache, or from an equal text in flight or earlier in the request. */
  readonly cached: boolean;
}

export interface EmbedOutcome {
  readonly space: EmbeddingSpace;
  /** One per text, in their order. */
  readonly embeddings: readonly Embedded[];
  /** What this request was billed for; absent when it made no call to a provider. */
  readonly usage?: Usage | undefined;
}

export interface TextEmbeddingOptions {
  /** Makes the space of requests that name none. */
  readonly configured: Embedder;
  /** Others whose spaces may be named. */
  readonly others: readonly Embedder[];
  readonly cache: Cache<string, TextVector>;
}

/** @throws {EmbedderError}, or the signal's reason when it is aborted. */
export type TextEmbedding = (request: EmbedRequest) => Promise<EmbedOutcome>;

/** Answers from the cache where it can, and asks the space's embedder once for the rest. */
export function createTextEmbedding({ configured, others, cache }: TextEmbeddingOptions): TextEmbedding {
  return async ({ texts, purpose, spaceId, signal }) => {
    const { embedder, space } = await select([configured, ...others], spaceId, signal);
    const keys = texts.map((text) => cacheKey(space, purpose, nfc(text)));
    const fresh = new Set<string>();
    let usage: Usage | undefined;
    const vectors = await cache.getOrLoadMany(
      keys,
      async (missing, loadSignal) => {
        const result = await embedder.embed(missing.map(textOfKey), { purpose, signal: loadSignal });
        for (const key of missing) fresh.add(key);
        usage = result.usage;
        return result.vectors;
      },
      { signal },
    );
    // Of equal texts in one request only the first was asked for.
    const embeddings = vectors.map((each, index) => ({ ...each, cached: !fresh.delete(keys[index]!) }));
    return { space, embeddings, usage };
  };
}

async function select(
  embedders: readonly [Embedder, ...Embedder[]],
  spaceId: string,
  signal: AbortSignal,
): Promise<{ readonly embedder: Embedder; readonly space: EmbeddingSpace }> {
  if (spaceId === "") return { embedder: embedders[0], space: await embedders[0].space({ signal }) };
  // The hashed space is found even while the model whose space has yet to be learned does not answer.
  const known = embedders.find((embedder) => embedder.knownSpace?.id === spaceId);
  if (known?.knownSpace !== undefined) return { embedder: known, space: known.knownSpace };
  for (const embedder of embedders) {
    if (embedder.knownSpace !== undefined) continue;
    const space = await embedder.space({ signal });
    if (space.id === spaceId) return { embedder, space };
  }
  throw new EmbedderError(
    "EMBEDDING_SPACE_MISMATCH",
    "The embedder is configured for another embedding space; build the collection's vectors anew, or configure the model they were made with.",
  );
}

const SEPARATOR = "\n";

/** Neither id nor purpose has a line break in it, so that keys of different spaces never meet. */
const cacheKey = ({ id }: EmbeddingSpace, purpose: Purpose, text: string) => [id, purpose, text].join(SEPARATOR);

const textOfKey = (key: string) => key.slice(key.indexOf(SEPARATOR, key.indexOf(SEPARATOR) + 1) + 1);
