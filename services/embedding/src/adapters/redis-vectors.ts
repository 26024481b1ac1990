import { createSharedCache, type Redis, type SharedCache, type ValueCodec } from "@quartet/redis";
import type { Metrics } from "@quartet/telemetry";
import { dimensionsOf, isPackedVector, type PackedVector, type VectorForm } from "../domain/packed-vector.ts";
import type { SharedVectors, VectorKey } from "../domain/shared-vectors.ts";
import { tenantStart, vectorName } from "../domain/vector-name.ts";

export interface RedisVectorsOptions {
  readonly redis: Redis;
  readonly metrics: Metrics;
  /** How long a question's vector is kept. */
  readonly ttlMs: number;
  /** How much of a text the model reads. Part of the key: with another limit it reads another text. */
  readonly maxTextCharacters: number;
  /** The form of the vectors. Part of the key: replicas that are told another do not meet. */
  readonly form: VectorForm;
}

/** The contract's limit in single precision, and the byte of flags. */
const MAX_VALUE_BYTES = 4 * 4_096 + 1;
/** Of the bytes of a packed vector; a change of what they mean takes another. */
const CODEC_VERSION = 2;
/**
 * A passage is embedded once and then kept in the record, so that its vector is of use here only to whoever repeats a batch that was not
 * stored: another replica, after one has died. Kept as long as questions, those of an import would push these out.
 */
const DOCUMENT_TTL_MS = 600_000;

/** Vectors in Redis, with what an operator asks of them. The owner calls `close`, and then closes `redis`. */
export interface RedisVectors extends SharedVectors, Pick<SharedCache<PackedVector>, "close" | "counts"> {
  /** Deletes those of one tenant that match; undefined where Redis does not do all of it. */
  deleteMatching(
    tenant: string,
    pattern: string,
    options: { readonly signal: AbortSignal },
  ): Promise<number | undefined>;
}

export function createRedisVectors({
  redis,
  metrics,
  ttlMs,
  maxTextCharacters,
  form,
}: RedisVectorsOptions): RedisVectors {
  const nameOf = (key: VectorKey) => vectorName(key) + nameEnd({ maxTextCharacters, form });
  const cache = createSharedCache<PackedVector>({
    redis,
    metrics,
    name: "embeddings",
    version: CODEC_VERSION,
    codec: codecOf(form),
    maxValueBytes: MAX_VALUE_BYTES,
  });
  return {
    read: async (keys) => {
      const reads = await cache.getMany(keys.map(nameOf));
      return reads.map((read, index) =>
        read.kind === "hit" && dimensionsOf(read.value) === keys[index]!.space.dimensions ? read.value : undefined,
      );
    },
    write: (key, vector) =>
      cache.setLater(nameOf(key), vector, {
        ttlMs: key.purpose === "QUERY" ? ttlMs : Math.min(ttlMs, DOCUMENT_TTL_MS),
      }),
    counts: cache.counts,
    deleteMatching: (tenant, pattern, options) => cache.deleteMatching(tenantStart(tenant), pattern, options),
    close: (limitMs) => cache.close(limitMs),
  };
}

/** The bytes of a packed vector as they are; read into a buffer of their own, as what came in with them may be large. */
export const codecOf = (form: VectorForm): ValueCodec<PackedVector> => ({
  encode: (packed) => packed,
  decode: (bytes) => (isPackedVector(bytes, form) ? Uint8Array.from(bytes) : undefined),
});

/** What the names in Redis end with. */
export const nameEnd = ({ maxTextCharacters, form }: Pick<RedisVectorsOptions, "maxTextCharacters" | "form">) =>
  `:${maxTextCharacters}:${form}`;
