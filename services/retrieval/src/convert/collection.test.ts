import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "@jest/globals";
import { CollectionSchema } from "@quartet/contracts/type/v1/collection";
import { EmbeddingSpaceSchema, VectorSchema } from "@quartet/contracts/type/v1/vector";
import { reasonOf } from "@quartet/errors";
import type { EmbeddingSpace } from "../domain/collection.ts";
import { fromSpaceMessage, fromVectorMessage, toCollectionMessage, toSpaceMessage } from "./collection.ts";

const space: EmbeddingSpace = {
  id: "a".repeat(16),
  dimensions: 3,
  kind: "hashed",
  denseWeight: 0.2,
  cacheThreshold: 2,
  model: "m",
};
const vectorOf = (encoding: MessageInitShape<typeof VectorSchema>["encoding"]) =>
  create(VectorSchema, encoding === undefined ? {} : { encoding });
const reasonFor = (run: () => unknown) => {
  try {
    run();
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
};

describe("spaces and vectors on the wire", () => {
  it.each(["hashed", "semantic"] as const)("brings a %s space back as it was", (kind) => {
    const message = create(EmbeddingSpaceSchema, toSpaceMessage({ ...space, kind }));
    expect(fromSpaceMessage(message, "space")).toEqual({ ...space, kind });
  });

  it("refuses a space without a kind", () => {
    expect(reasonFor(() => fromSpaceMessage(create(EmbeddingSpaceSchema, { id: space.id }), "space"))).toBe(
      "FIELD_INVALID",
    );
    expect(reasonFor(() => fromSpaceMessage(undefined, "space"))).toBe("FIELD_INVALID");
  });

  it("reads either encoding", () => {
    expect(fromVectorMessage(vectorOf({ case: "float32", value: { values: [1, -0.5] } }), "v")).toEqual({
      kind: "float32",
      values: Float32Array.of(1, -0.5),
    });
    expect(
      fromVectorMessage(vectorOf({ case: "int8", value: { values: Uint8Array.of(127, 129), scale: 0.5 } }), "v"),
    ).toEqual({
      kind: "int8",
      values: Int8Array.of(127, -127),
      scale: 0.5,
    });
  });

  it.each([
    ["no encoding", vectorOf(undefined)],
    ["a component that is not finite", vectorOf({ case: "float32", value: { values: [Number.NaN] } })],
    ["a scale of 0", vectorOf({ case: "int8", value: { values: Uint8Array.of(1), scale: 0 } })],
    ["a byte of -128", vectorOf({ case: "int8", value: { values: Uint8Array.of(128), scale: 1 } })],
  ])("refuses %s", (_name, message) => {
    expect(reasonFor(() => fromVectorMessage(message, "v"))).toBe("FIELD_INVALID");
  });

  it("leaves out the spaces a collection does not have", () => {
    const collection = {
      state: { collection: "c", recordSeq: 2, projectedSeq: 1 },
      documentCount: 1,
      passageCount: 4,
      active: undefined,
      building: { space, vectorCount: 3, refusedCount: 1 },
    };
    const message = create(CollectionSchema, toCollectionMessage(collection));
    expect(message).toMatchObject({
      passageCount: 4n,
      buildingVectorCount: 3n,
      buildingRefusedCount: 1n,
      state: { recordSeq: 2n, projectedSeq: 1n },
    });
    expect(message.activeSpace).toBeUndefined();
  });
});
