import { describe, expect, it } from "@jest/globals";
import type { Filter } from "../../domain/filter.ts";
import { resultName } from "./result-name.ts";
import { collectionAt, searchOf, space } from "./test/samples.ts";

const tag = (name: string): Filter => ({ kind: "tag", tag: name });

describe("the name of a result", () => {
  it("shows whose it is, in what state of which collections, and the tags that it is about", () => {
    const collections = [collectionAt("규정", 12, 11), collectionAt("a:b,c@d*e f%", 3)];
    const filter: Filter = {
      kind: "allOf",
      filters: [tag("세금"), { kind: "allOf", filters: [tag("b:c"), tag("세금")] }],
    };
    const parts = resultName(searchOf({ tenant: "에이크미", collections, request: { filter } }), "r").split(":");
    expect(parts).toEqual([
      encodeURIComponent("에이크미"),
      "규정@12.11,a%3Ab%2Cc%40d%2Ae%20f%25@3.3",
      expect.stringMatching(/^[\w-]{43}$/),
      "b%3Ac,세금",
    ]);
  });

  it("is another one for whatever can change the result", () => {
    const base = collectionAt("규정", 3);
    const names = [
      searchOf(),
      searchOf({ tenant: "other" }),
      searchOf({ collections: [collectionAt("규정", 4)] }),
      searchOf({ collections: [collectionAt("규정", 4, 3)] }),
      searchOf({ collections: [base, collectionAt("안내", 1)] }),
      searchOf({ collections: [{ ...base, active: { space, vectorCount: 0, refusedCount: 0 } }] }),
      searchOf({
        collections: [{ ...base, active: { space: { ...space, denseWeight: 0.4 }, vectorCount: 1, refusedCount: 0 } }],
      }),
      searchOf({ request: { query: "휴가는 며칠" } }),
      searchOf({ request: { vector: undefined } }),
      searchOf({
        request: { vector: { spaceId: "other", value: { kind: "float32", values: Float32Array.of(1, 0, 0, 0) } } },
      }),
      searchOf({
        request: { vector: { spaceId: space.id, value: { kind: "float32", values: Float32Array.of(0, 1, 0, 0) } } },
      }),
      searchOf({ request: { filter: tag("leave") } }),
      searchOf({ request: { filter: { kind: "noneOf", filters: [tag("leave")] } } }),
      searchOf({ graphState: 0 }),
      searchOf({ graphState: 1 }),
      searchOf({ request: { pageSize: 20 } }),
      searchOf({ request: { keywordLimit: 50 } }),
      searchOf({ request: { vectorLimit: 50 } }),
      searchOf({ request: { candidateLimit: 50 } }),
      searchOf({ request: { fusion: "rrf" } }),
      searchOf({ request: { vectorWeight: 0.5 } }),
      { ...searchOf(), key: "of another reranker" },
    ].map((search) => resultName(search, "r"));
    expect(new Set(names).size).toBe(names.length);
    expect(resultName(searchOf({ request: { cacheUse: "refresh" } }), "r")).toBe(names[0]);
    expect(resultName(searchOf(), "r")).toBe(names[0]);
    expect(names).not.toContain(resultName(searchOf(), "another record"));
  });

  it("stays short, whatever is asked for", () => {
    const collections = Array.from({ length: 500 }, (_, index) => collectionAt(`collection-${index}`, 1));
    const filters = Array.from({ length: 200 }, (_, index) => tag(`tag-${index}`));
    const name = resultName(searchOf({ collections, request: { filter: { kind: "allOf", filters } } }), "r");
    expect(name).toMatch(/^default:~[\w-]{43}:[\w-]{43}:~[\w-]{43}$/);
    expect(resultName(searchOf({ request: { filter: tag("\ud800") } }), "r")).toMatch(/:\ufffd$/);
  });
});
