import { describe, expect, it } from "@jest/globals";
import type { Collection } from "./collection.ts";
import type { RerankQuery } from "./reranker.ts";
import { createSimilarityReranker } from "./similarity-reranker.ts";
import type { PassageVectorsQuery, VectorIndex } from "./vector-index.ts";

const collectionOf = (name: string, spaceId: string, kind: "semantic" | "hashed" = "semantic") =>
  ({ state: { collection: name }, active: { space: { id: spaceId, kind } } }) as Collection;

function setUp() {
  const asked: PassageVectorsQuery[] = [];
  const vectorsOf: VectorIndex["vectorsOf"] = async (_tenant, query) => {
    asked.push(query);
    // The last is where the first is.
    return new Map(query.passageIds.map((id) => [id, id === 13 ? Float32Array.of(1, 0) : direction(id)]));
  };
  const reranker = createSimilarityReranker({ stores: { vectors: { vectorsOf } as VectorIndex } });
  const query: RerankQuery = {
    tenant: "t",
    text: "연차",
    vector: { value: { kind: "float32", values: Float32Array.of(1, 0) }, spaceId: "s" },
    fusion: "convex",
    collections: [collectionOf("규정", "s")],
    candidates: Array.from({ length: 13 }, (_, index) => ({
      passageId: index + 1,
      text: "",
      title: "",
      score: 1 - index / 20,
    })),
  };
  const rerank = (changes: Partial<RerankQuery> = {}) =>
    reranker.rerank({ ...query, ...changes }, { signal: new AbortController().signal });
  const suits = (changes: Partial<RerankQuery>) => reranker.suits?.({ ...query, ...changes });
  return { rerank, suits, asked, query };
}

const direction = (id: number) => Float32Array.of(Math.cos((id - 1) / 20), Math.sin((id - 1) / 20));

describe("the built-in reranker", () => {
  it("lifts what lies close to passages that rank well, by the vectors of the question's space", async () => {
    const { rerank, asked, query } = setUp();
    const collections = [...query.collections, collectionOf("other", "another"), collectionOf("철자", "s", "hashed")];
    const scores = new Map((await rerank({ collections })).map(({ passageId, score }) => [passageId, score]));
    expect(asked).toEqual([
      { spaceId: "s", collections: ["규정"], passageIds: Array.from({ length: 13 }, (_, index) => index + 1) },
    ]);
    expect(scores.get(1)).toBe(1);
    expect(scores.get(13)).toBeCloseTo(0.4 + 0.7 * ((1 + 0.95 + 0.9) / 3 - 0.4));
  });

  it.each<[string, Partial<RerankQuery>]>([
    ["without a vector of the question", { vector: undefined }],
    ["of keywords alone", { fusion: "keyword-only" }],
    ["of vectors alone", { fusion: "vector-only" }],
    ["in spaces that know only spelling", { collections: [collectionOf("규정", "s", "hashed")] }],
    ["in other spaces", { collections: [collectionOf("규정", "other")] }],
  ])("leaves searches as they are %s", async (_, changes) => {
    const { rerank, suits, asked, query } = setUp();
    expect(await rerank(changes)).toBe(query.candidates);
    expect(asked).toEqual([]);
    expect([suits({}), suits(changes)]).toEqual([true, false]);
  });
});
