import { describe, expect, it } from "@jest/globals";
import type { Collection } from "./collection.ts";
import { type KeyedSearch, searchKey } from "./search-key.ts";
import type { SearchRequest } from "./search-request.ts";

const collection: Collection = {
  state: { collection: "default", recordSeq: 3, projectedSeq: 3 },
  documentCount: 1,
  passageCount: 2,
  active: undefined,
  building: undefined,
};
const request = {
  query: "연차",
  vector: { value: { kind: "int8", values: Int8Array.of(1, 2), scale: 1 }, spaceId: "a" },
  sources: ["corpus"],
  cacheUse: "read-write",
} as unknown as SearchRequest;
const search: KeyedSearch = {
  tenant: "t",
  request,
  collections: [collection],
  sources: [{ name: "corpus", kind: "hybrid" }],
  graphState: undefined,
  rerankerId: undefined,
};
const vectorOf = (values: Int8Array, scale: number) =>
  ({ value: { kind: "int8", values, scale }, spaceId: "a" }) as const;

describe("the key of a search", () => {
  it.each<[string, KeyedSearch]>([
    ["tenant", { ...search, tenant: "u" }],
    ["query", { ...search, request: { ...request, query: "휴가" } }],
    ["vector", { ...search, request: { ...request, vector: vectorOf(Int8Array.of(2, 1), 1) } }],
    ["scale", { ...search, request: { ...request, vector: vectorOf(Int8Array.of(1, 2), 2) } }],
    ["weight of a source", { ...search, sources: [{ name: "corpus", kind: "hybrid", weight: 2 }] }],
    ["collections of a source", { ...search, sources: [{ name: "corpus", kind: "hybrid", collections: ["default"] }] }],
    [
      "state of a collection",
      { ...search, collections: [{ ...collection, state: { ...collection.state, recordSeq: 4 } }] },
    ],
    ["version of the graph", { ...search, graphState: 1 }],
    ["reranker", { ...search, rerankerId: "cross-encoder" }],
  ])("tells another %s", (_, other) => {
    expect(searchKey(other)).not.toBe(searchKey(search));
  });

  it("is one however the sources were named and the cache is used", () => {
    const other: KeyedSearch = { ...search, request: { ...request, sources: [], cacheUse: "refresh" } };
    expect(searchKey(other)).toBe(searchKey(search));
  });
});
