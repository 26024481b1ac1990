import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { EmbeddingPurpose } from "@quartet/contracts/embedding/v1/embedding_service";
import type { EmbedTextsResponseSchema } from "@quartet/contracts/embedding/v1/embedding_service";
import { EmbeddingSpaceKind, VectorEncoding } from "@quartet/contracts/type/v1/vector";
import type { EmbeddingSpaceSchema, VectorSchema } from "@quartet/contracts/type/v1/vector";
import { quartetError } from "@quartet/errors";
import { toTokenUsage } from "@quartet/rpc";
import { EmbedderError } from "./domain/embedder-error.ts";
import type { EmbedderErrorReason } from "./domain/embedder-error.ts";
import type { EmbeddingSpace, Purpose } from "./domain/embedder.ts";
import { toFloat32, toInt8, type VectorComponents } from "./domain/packed-vector.ts";
import type { EmbedOutcome } from "./domain/text-embedding.ts";

/** Unset means DOCUMENT. */
export const fromPurpose = (purpose: EmbeddingPurpose): Purpose =>
  purpose === EmbeddingPurpose.QUERY ? "QUERY" : "DOCUMENT";

export function toResponse(
  { space, embeddings, usage }: EmbedOutcome,
  encoding: VectorEncoding,
): MessageInitShape<typeof EmbedTextsResponseSchema> {
  return {
    space: toSpace(space),
    embeddings: embeddings.map(({ vector, cached, truncated }) => ({
      vector: toVector(vector, encoding || defaultEncoding(space, vector)),
      cached,
      truncated,
    })),
    ...(usage === undefined ? {} : { usage: toTokenUsage(usage) }),
  };
}

export function toSpace(space: EmbeddingSpace): MessageInitShape<typeof EmbeddingSpaceSchema> {
  return { ...space, kind: EmbeddingSpaceKind[space.kind] };
}

/**
 * For requests that name none: the form that vectors are kept in, and always bytes for a HASHED space. Its vectors are kept like that wherever they go,
 * and four times as much to carry would be lost there.
 */
const defaultEncoding = ({ kind }: EmbeddingSpace, { form }: VectorComponents): VectorEncoding =>
  kind === "HASHED" || form === "int8" ? VectorEncoding.INT8 : VectorEncoding.FLOAT32;

export function toVector(
  components: VectorComponents,
  encoding: VectorEncoding,
): MessageInitShape<typeof VectorSchema> {
  if (encoding !== VectorEncoding.INT8)
    return { encoding: { case: "float32", value: { values: Array.from(toFloat32(components)) } } };
  const { bytes, scale } = components.form === "int8" ? components : toInt8(components.values);
  const values = new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
  // As it comes over a wire; above 0, also where every byte is 0.
  return { encoding: { case: "int8", value: { values, scale: Math.fround(scale) || 1 } } };
}

const codes: Readonly<Record<EmbedderErrorReason, Code>> = {
  LLM_RATE_LIMIT: Code.ResourceExhausted,
  LLM_QUOTA: Code.ResourceExhausted,
  OVERLOADED: Code.ResourceExhausted,
  LLM_AUTH: Code.FailedPrecondition,
  BUDGET_EXHAUSTED: Code.ResourceExhausted,
  MODEL_UNKNOWN: Code.InvalidArgument,
  UPSTREAM_FAILED: Code.Unavailable,
  LLM_UNAVAILABLE: Code.Unavailable,
  LLM_PROTOCOL: Code.Unavailable,
  EMBED_SHAPE: Code.Internal,
  EMBEDDING_SPACE_MISMATCH: Code.FailedPrecondition,
};

/** The one place where this service's errors get their codes. Anything else passes through, for the host to deal with. */
export function toConnectError(error: unknown): unknown {
  if (!(error instanceof EmbedderError)) return error;
  const { reason, message, retryDelayMs, refusesTexts, cause } = error;
  // So that the gateway looks for the text that spoils a batch, rather than wait for an embedder that is well. It does so for an odd vector anyway,
  // which may be right the next time, and would be refused for good.
  const metadata = refusesTexts && reason !== "EMBED_SHAPE" ? { refusesTexts: "true" } : undefined;
  return quartetError({ code: codes[reason], reason, message, retryDelayMs, metadata, cause });
}
