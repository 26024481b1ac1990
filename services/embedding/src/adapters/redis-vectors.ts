import { createHash } from "node:crypto";
import { createSharedCache, type Redis, type SharedCache, type ValueCodec } from "@quartet/redis";
import type { Metrics } from "@quartet/telemetry";
import { allFinite, fromLittleEndianBytes, toLittleEndianBytes } from "@quartet/vector";
import type { TextVector } from "../domain/embedder.ts";
import type { SharedVectors, VectorKey } from "../domain/shared-vectors.ts";

export interface RedisVectorsOptions {
  readonly redis: Redis;
  readonly metrics: Metrics;
  /** How long a question's vector is kept. */
  readonly ttlMs: number;
  /** How much of a text the model reads. Part of the key: with another limit it reads another text. */
  readonly maxTextCharacters: number;
}

/** The contract's limit, and a byte that says whether the text was cut. */
const MAX_VALUE_BYTES = 4 * 4_096 + 1;
/** Of the bytes below; a change of what they mean takes another. */
const CODEC_VERSION = 1;
/**
 * A passage is embedded once and then kept in the record, so that its vector is of use here only to whoever repeats a batch that was not
 * stored: another replica, after one has died. Kept as long as questions, those of an import would push these out.
 */
const DOCUMENT_TTL_MS = 600_000;

/** One byte, 1 where the end of the text was left out, else 0; then the components as they came from the model, so that none is changed by being kept. */
export const vectorCodec: ValueCodec<TextVector> = {
  encode: ({ vector, truncated }) => {
    const bytes = new Uint8Array(1 + vector.byteLength);
    bytes[0] = truncated ? 1 : 0;
    bytes.set(toLittleEndianBytes(vector), 1);
    return bytes;
  },
  decode: (bytes) => {
    const flag = bytes[0];
    if ((flag !== 0 && flag !== 1) || bytes.byteLength < 5 || bytes.byteLength % 4 !== 1) return undefined;
    const vector = fromLittleEndianBytes(bytes.subarray(1));
    return allFinite(vector) ? { vector, truncated: flag === 1 } : undefined;
  },
};

/** Vectors in Redis. The owner calls `close`, and then closes `redis`. */
export function createRedisVectors({
  redis,
  metrics,
  ttlMs,
  maxTextCharacters,
}: RedisVectorsOptions): SharedVectors & Pick<SharedCache<TextVector>, "close"> {
  const nameOf = (key: VectorKey) => keyName(key, maxTextCharacters);
  const cache = createSharedCache<TextVector>({
    redis,
    metrics,
    name: "embeddings",
    version: CODEC_VERSION,
    codec: vectorCodec,
    maxValueBytes: MAX_VALUE_BYTES,
  });
  return {
    read: async (keys) => {
      const reads = await cache.getMany(keys.map(nameOf));
      return reads.map((read, index) =>
        read.kind === "hit" && read.value.vector.length === keys[index]!.space.dimensions ? read.value : undefined,
      );
    },
    write: (key, vector) =>
      cache.setLater(nameOf(key), vector, {
        ttlMs: key.purpose === "QUERY" ? ttlMs : Math.min(ttlMs, DOCUMENT_TTL_MS),
      }),
    close: (limitMs) => cache.close(limitMs),
  };
}

/** A text stands in it as its SHA-256 alone: who may read keys learns of no question. */
function keyName({ tenant, space, purpose, text }: VectorKey, maxTextCharacters: number): string {
  const hash = createHash("sha256").update(text).digest("base64url");
  return `${encodeURIComponent(tenant)}:${space.id}:${purpose.toLowerCase()}:${maxTextCharacters}:${hash}`;
}
