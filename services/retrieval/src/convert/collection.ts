import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CollectionSchema, CollectionStateSchema } from "@quartet/contracts/type/v1/collection";
import {
  type EmbeddingSpace as EmbeddingSpaceMessage,
  EmbeddingSpaceKind,
  type EmbeddingSpaceSchema,
  type Vector as VectorMessage,
} from "@quartet/contracts/type/v1/vector";
import { fieldInvalid } from "@quartet/errors";
import type { Collection, CollectionState, EmbeddingSpace } from "../domain/collection.ts";
import type { EncodedVector } from "../domain/vector.ts";

export function toStateMessage(state: CollectionState): MessageInitShape<typeof CollectionStateSchema> {
  const { collection, recordSeq, projectedSeq } = state;
  return { collection, recordSeq: BigInt(recordSeq), projectedSeq: BigInt(projectedSeq) };
}

export function toCollectionMessage(collection: Collection): MessageInitShape<typeof CollectionSchema> {
  const { state, documentCount, passageCount, active, building } = collection;
  return {
    state: toStateMessage(state),
    documentCount: BigInt(documentCount),
    passageCount: BigInt(passageCount),
    ...(active && {
      activeSpace: toSpaceMessage(active.space),
      activeVectorCount: BigInt(active.vectorCount),
      activeRefusedCount: BigInt(active.refusedCount),
    }),
    ...(building && {
      buildingSpace: toSpaceMessage(building.space),
      buildingVectorCount: BigInt(building.vectorCount),
      buildingRefusedCount: BigInt(building.refusedCount),
    }),
  };
}

const kinds = { hashed: EmbeddingSpaceKind.HASHED, semantic: EmbeddingSpaceKind.SEMANTIC } as const;

export function toSpaceMessage(space: EmbeddingSpace): MessageInitShape<typeof EmbeddingSpaceSchema> {
  return { ...space, kind: kinds[space.kind] };
}

/** Throws INVALID_ARGUMENT for a kind this server does not know. */
export function fromSpaceMessage(message: EmbeddingSpaceMessage | undefined, path: string): EmbeddingSpace {
  if (message === undefined) throw fieldInvalid(path, "the space is required");
  const { id, dimensions, denseWeight, cacheThreshold, model } = message;
  const kind = message.kind === EmbeddingSpaceKind.HASHED ? "hashed" : "semantic";
  if (message.kind !== kinds[kind]) throw fieldInvalid(`${path}.kind`, "the kind must be HASHED or SEMANTIC");
  return { id, dimensions, kind, denseWeight, cacheThreshold, model };
}

/** Either encoding, checked to be finite; throws INVALID_ARGUMENT. Nothing is copied but float32's numbers. */
export function fromVectorMessage(message: VectorMessage | undefined, path: string): EncodedVector {
  switch (message?.encoding.case) {
    case "float32": {
      const values = Float32Array.from(message.encoding.value.values);
      if (!values.every(Number.isFinite))
        throw fieldInvalid(`${path}.float32.values`, "every component must be finite");
      return { kind: "float32", values };
    }
    case "int8": {
      const { values, scale } = message.encoding.value;
      if (!(scale > 0) || !Number.isFinite(scale))
        throw fieldInvalid(`${path}.int8.scale`, "the scale must be above 0");
      const bytes = new Int8Array(values.buffer, values.byteOffset, values.byteLength);
      if (bytes.includes(-128)) throw fieldInvalid(`${path}.int8.values`, "a byte is below -127");
      return { kind: "int8", values: bytes, scale };
    }
    case undefined:
      throw fieldInvalid(path, "a vector is required, in an encoding this server knows");
  }
}
