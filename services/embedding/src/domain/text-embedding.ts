import type { Cache, LoadMany } from "@quartet/cache";
import { nfc } from "@quartet/text";
import { EmbedderError } from "./embedder-error.ts";
import type { Embedder, EmbeddingSpace, Purpose, Usage } from "./embedder.ts";
import {
  componentsOf,
  isTruncated,
  type PackedVector,
  packVector,
  type VectorComponents,
  type VectorForm,
} from "./packed-vector.ts";
import type { SharedVectors, VectorKey } from "./shared-vectors.ts";
import { addUsage } from "./usage.ts";
import { vectorName } from "./vector-name.ts";

export interface EmbedRequest {
  /** On whose behalf; nobody is answered from what was kept for another. */
  readonly tenant: string;
  readonly texts: readonly string[];
  readonly purpose: Purpose;
  /** Empty for the configured space. */
  readonly spaceId: string;
  readonly signal: AbortSignal;
}

export interface Embedded {
  readonly vector: VectorComponents;
  /** Whether the end of the text was left out. */
  readonly truncated: boolean;
  /** Whether it came from a cache, or from an equal text in flight or earlier in the request. */
  readonly cached: boolean;
}

export interface EmbedOutcome {
  readonly space: EmbeddingSpace;
  /** One per text, in their order. */
  readonly embeddings: readonly Embedded[];
  /** What calls were billed for whose end this request is the first to hear of; absent where there are none. Over all requests it adds up to the bill. */
  readonly usage?: Usage | undefined;
}

export interface TextEmbeddingOptions {
  /** Makes the space of requests that name none. */
  readonly configured: Embedder;
  /** Others whose spaces may be named. */
  readonly others: readonly Embedder[];
  readonly cache: Cache<string, PackedVector>;
  /** How vectors are kept, and given by whoever names no other form: a text has the same vector fresh as from a cache. */
  readonly form: VectorForm;
  /** Behind the cache, for SEMANTIC spaces: a HASHED vector is made sooner than fetched. Default: none. */
  readonly shared?: SharedVectors | undefined;
}

/** @throws {EmbedderError}, or the signal's reason when it is aborted. */
export type TextEmbedding = (request: EmbedRequest) => Promise<EmbedOutcome>;

/** Answers from the caches where it can, and asks the space's embedder once for the rest. */
export function createTextEmbedding({ configured, others, cache, form, shared }: TextEmbeddingOptions): TextEmbedding {
  const bills = createBills();

  return async ({ tenant, texts, purpose, spaceId, signal }) => {
    const { embedder, space } = await select([configured, ...others], spaceId, signal);
    const vectorKeys = texts.map((text): VectorKey => ({ tenant, space, purpose, text: nfc(text) }));
    const keys = vectorKeys.map(vectorName);
    const byKey = new Map(keys.map((key, index) => [key, vectorKeys[index]!]));
    const fresh = new Set<string>();
    let ownFailure: unknown;

    const embed = async (missing: readonly string[], loadSignal: AbortSignal): Promise<readonly PackedVector[]> => {
      const texts = missing.map((key) => byKey.get(key)!.text);
      const result = await embedder
        .embed(texts, { tenant, purpose, signal: loadSignal })
        .catch((error: unknown) => Promise.reject((ownFailure = error)));
      for (const key of missing) fresh.add(key);
      const vectors = result.vectors.map((vector) => packVector(vector, form));
      bills.add(vectors, result.usage);
      return vectors;
    };
    const load = shared && space.kind === "SEMANTIC" ? behind(shared, byKey, embed) : embed;
    const vectors = await cache.getOrLoadMany(keys, load, { signal }).catch((error: unknown) => {
      // A text may have been on its way with one of another request that is refused. Once: where it is for a text that many ask for, they fail together.
      if (error === ownFailure || !(error instanceof EmbedderError && error.refusesTexts)) throw error;
      return cache.getOrLoadMany(keys, load, { signal });
    });
    // Of equal texts in one request only the first was asked for.
    const embeddings = vectors.map((each, index) => ({
      vector: componentsOf(each),
      truncated: isTruncated(each),
      cached: !fresh.delete(keys[index]!),
    }));
    return { space, embeddings, usage: bills.tell(vectors) };
  };
}

/** What calls cost that nobody has told of as yet: requests share calls, and whoever began one may have left. */
function createBills() {
  interface Bill {
    readonly usage: Usage;
    readonly vectors: readonly PackedVector[];
  }
  const untold = new WeakMap<PackedVector, Bill>();
  return {
    add(vectors: readonly PackedVector[], usage: Usage | undefined): void {
      if (usage !== undefined) for (const vector of vectors) untold.set(vector, { usage, vectors });
    },
    /** Once for each call that made some of these vectors. */
    tell(vectors: readonly PackedVector[]): Usage | undefined {
      let sum: Usage | undefined;
      for (const vector of vectors) {
        const bill = untold.get(vector);
        for (const each of bill?.vectors ?? []) untold.delete(each);
        sum = addUsage(sum, bill?.usage);
      }
      return sum;
    },
  };
}

/** Embeds what others have not embedded already, and lets them have it. */
function behind(
  shared: SharedVectors,
  byKey: ReadonlyMap<string, VectorKey>,
  embed: LoadMany<string, PackedVector>,
): LoadMany<string, PackedVector> {
  return async (keys, signal) => {
    const kept = await shared.read(keys.map((key) => byKey.get(key)!));
    signal.throwIfAborted();
    const absent = keys.filter((_, index) => kept[index] === undefined);
    const embedded = absent.length > 0 ? await embed(absent, signal) : [];
    for (const [index, key] of absent.entries()) shared.write(byKey.get(key)!, embedded[index]!);
    const left = embedded.values();
    return kept.map((vector) => vector ?? left.next().value!);
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
