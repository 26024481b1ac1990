import { createCache } from "@quartet/cache";
import type { KeyAttempt, KeyPool } from "@quartet/key-pool";
import { truncateToGraphemes } from "@quartet/text";
import type { Embedder, EmbeddingSpace, EmbedOptions, Purpose } from "../../domain/embedder.ts";
import { EmbedderError } from "../../domain/embedder-error.ts";
import { spaceId } from "../../domain/space-id.ts";
import { batches } from "../../domain/text-batches.ts";
import { addUsage } from "../../domain/usage.ts";
import { type CostOf, createEmbeddingBill } from "./embedding-bill.ts";
import { readVectors } from "./embedding-reply.ts";
import type { EmbeddingsClient } from "./embeddings-client.ts";
import { mapConcurrently } from "./map-concurrently.ts";
import { toEmbedderError } from "./provider-errors.ts";

export interface OpenAiEmbedderOptions {
  readonly client: EmbeddingsClient;
  readonly keys: KeyPool;
  readonly model: string;
  /** Which version of the model, where its name does not say. Default: none. */
  readonly revision?: string | undefined;
  /** How long vectors are. Default: as long as those of the first reply. */
  readonly dimensions?: number | undefined;
  /** Put before texts, with a space in between. Default: nothing. */
  readonly queryPrefix?: string;
  readonly documentPrefix?: string;
  /** Code points that the model reads of a text, prefix not counted. */
  readonly maxTextCharacters: number;
  /** In one call to the provider. */
  readonly batchTexts: number;
  /** UTF-8 in one call; a longer text goes alone. */
  readonly batchBytes: number;
  /** Calls at once for one list of texts. */
  readonly batchesAtOnce: number;
  /** For one batch, all attempts together. */
  readonly timeoutMs: number;
  readonly denseWeight: number;
  readonly cacheThreshold: number;
  /** Default: nobody knows what tokens cost. */
  readonly costOf?: CostOf | undefined;
}

/** The contract's limit. */
const MAX_DIMENSIONS = 4_096;
/** Any text would do. */
const PROBE = "dimensions";

/**
 * An embedding model behind OpenAI's protocol. Where nobody told how long its vectors are, it is asked once, and every later vector
 * is held to that: a server that changes its model under us is noticed, not believed.
 */
export function createOpenAiEmbedder(options: OpenAiEmbedderOptions): Embedder {
  const { client, keys, maxTextCharacters, batchesAtOnce, timeoutMs, costOf = () => undefined } = options;
  const prefixes: Readonly<Record<Purpose, string>> = {
    DOCUMENT: options.documentPrefix ?? "",
    QUERY: options.queryPrefix ?? "",
  };
  const limits = { maxTexts: options.batchTexts, maxBytes: options.batchBytes };
  const learning = createCache<"space", EmbeddingSpace>({ maxEntries: 1 });
  let space = options.dimensions === undefined ? undefined : spaceOf(options, options.dimensions);

  /** One batch: its vectors, and what it was billed for with all attempts. */
  const ask = async (texts: readonly string[], { signal, onUsage }: Pick<EmbedOptions, "signal" | "onUsage">) => {
    const bill = createEmbeddingBill(texts, costOf);
    const expected = { count: texts.length, dimensions: space?.dimensions };
    const once = async (key: string, attempt: KeyAttempt) => {
      bill.called();
      const reply = await client.create(key, texts, { ...attempt, sent: () => bill.sent() }).catch((error: unknown) => {
        bill.failed(attempt, error);
        throw error;
      });
      bill.replied(attempt, reply);
      return readVectors(reply, expected);
    };
    try {
      const vectors = await keys.run(once, { signal, deadlineMs: timeoutMs });
      return { vectors, usage: bill.usage };
    } catch (error) {
      signal.throwIfAborted();
      throw toEmbedderError(error);
    } finally {
      if (bill.usage !== undefined) onUsage?.(bill.usage);
    }
  };

  const learn = async (signal: AbortSignal): Promise<EmbeddingSpace> => {
    const { vectors } = await ask([withPrefix(PROBE, prefixes.DOCUMENT)], { signal });
    const dimensions = vectors[0]!.length;
    if (dimensions > MAX_DIMENSIONS) {
      throw new EmbedderError(
        "EMBED_SHAPE",
        `The model's vectors have ${dimensions} dimensions, and Quartet takes ${MAX_DIMENSIONS}; ask it for less with QUARTET_EMBEDDING_DIMENSIONS.`,
      );
    }
    return (space = spaceOf(options, dimensions));
  };

  return {
    get knownSpace() {
      return space;
    },
    space: async ({ signal }) => space ?? (await learning.getOrLoad("space", learn, { signal })),
    embed: async (texts, { purpose, signal, onUsage }) => {
      // A single grapheme above the limit goes as it is: an empty text has no vector.
      const read = texts.map((text) => truncateToGraphemes(text, maxTextCharacters) || text);
      const prefixed = read.map((text) => withPrefix(text, prefixes[purpose]));
      const replies = await mapConcurrently(
        batches(prefixed, limits),
        { atOnce: batchesAtOnce, signal },
        (batch, either) => ask(batch, { signal: either, onUsage }),
      );
      const vectors = replies.flatMap((reply) => reply.vectors);
      return {
        vectors: vectors.map((vector, index) => ({ vector, truncated: read[index] !== texts[index] })),
        usage: replies.map(({ usage }) => usage).reduce(addUsage, undefined),
      };
    },
  };
}

function spaceOf(options: OpenAiEmbedderOptions, dimensions: number): EmbeddingSpace {
  const { model, revision = "", queryPrefix = "", documentPrefix = "", denseWeight, cacheThreshold } = options;
  const prefixes = { query: queryPrefix, document: documentPrefix };
  const id = spaceId({ model, revision, dimensions, prefixes, normalization: "l2" });
  return { id, dimensions, kind: "SEMANTIC", denseWeight, cacheThreshold, model };
}

const withPrefix = (text: string, prefix: string) => (prefix === "" ? text : `${prefix} ${text}`);
