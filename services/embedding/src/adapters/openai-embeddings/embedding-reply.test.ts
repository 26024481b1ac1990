import { describe, expect, it } from "@jest/globals";
import { EmbedderError } from "../../domain/embedder-error.ts";
import { readVectors } from "./embedding-reply.ts";

const item = (index: number, embedding: unknown) => ({ object: "embedding", index, embedding });
const base64 = (...components: number[]) => Buffer.from(new Float32Array(components).buffer).toString("base64");
const two = { count: 2, dimensions: 2 };

const reasonOf = (reply: unknown, expected: { count: number; dimensions: number | undefined } = two) => {
  try {
    readVectors(reply, expected);
    return "none";
  } catch (error) {
    expect(error).toBeInstanceOf(EmbedderError);
    return (error as EmbedderError).reason;
  }
};

describe("readVectors", () => {
  it("orders by index and scales to length 1, from numbers and from base64", () => {
    const data = [item(1, [0, 5]), item(0, base64(3, 4))];
    expect(readVectors({ data }, two).map((vector) => Array.from(vector, (x) => Math.round(x * 1e6) / 1e6))).toEqual([
      [0.6, 0.8],
      [0, 1],
    ]);
  });

  it("takes any length where none is known yet, but one for all", () => {
    expect(readVectors({ data: [item(0, [1, 0, 0])] }, { count: 1, dimensions: undefined })[0]).toHaveLength(3);
    expect(reasonOf({ data: [item(0, [1]), item(1, [1, 0])] }, { count: 2, dimensions: undefined })).toBe(
      "EMBED_SHAPE",
    );
  });

  it.each([
    ["fewer vectors than texts", [item(0, [1, 0])]],
    ["more vectors than texts", [item(0, [1, 0]), item(1, [1, 0]), item(2, [1, 0])]],
    ["another dimension", [item(0, [1, 0]), item(1, [1, 0, 0])]],
    ["an index twice", [item(0, [1, 0]), item(0, [1, 0])]],
    ["an index too large", [item(0, [1, 0]), item(2, [1, 0])]],
    ["no index", [item(0, [1, 0]), { embedding: [1, 0] }]],
    ["null for a number", [item(0, [1, 0]), item(1, [1, null])]],
    ["text for a number", [item(0, [1, 0]), item(1, [1, "0"])]],
    ["NaN in base64", [item(0, [1, 0]), item(1, base64(1, NaN))]],
    ["infinity in base64", [item(0, [1, 0]), item(1, base64(1, Infinity))]],
    ["base64 cut off", [item(0, [1, 0]), item(1, base64(1, 2).slice(0, 7))]],
    ["no vector at all", [item(0, [1, 0]), item(1, undefined)]],
    ["an empty vector", [item(0, [1, 0]), item(1, [])]],
    ["a vector of zeros", [item(0, [1, 0]), item(1, [0, 0])]],
    ["null for an item", [item(0, [1, 0]), null]],
  ])("refuses %s", (_, data) => {
    expect(reasonOf({ data })).toBe("EMBED_SHAPE");
  });

  it.each<[string, boolean, unknown[]]>([
    ["one text has no vector", true, [item(0, [1, 0]), item(1, null)]],
    ["the vector of one text is none", true, [item(0, [1, 0]), item(1, [1, null])]],
    ["the vector of one text has no direction", true, [item(0, [1, 0]), item(1, base64(0, 0))]],
    ["vectors have another dimension", false, [item(0, [1, 0]), item(1, [1, 0, 0])]],
    ["there are fewer vectors than texts", false, [item(0, [1, 0])]],
  ])("says that it may be for one text where %s: %p", (_, refusesTexts, data) => {
    expect(() => readVectors({ data }, two)).toThrow(expect.objectContaining({ reason: "EMBED_SHAPE", refusesTexts }));
  });

  it.each([["<html>"], [null], [undefined], [{}], [{ data: "x" }], [{ error: { message: "sk-canary" } }], [[]]])(
    "refuses %p as no list of embeddings",
    (reply) => {
      expect(reasonOf(reply)).toBe("LLM_PROTOCOL");
    },
  );
});
