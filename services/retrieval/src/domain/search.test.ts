import { describe, expect, it } from "@jest/globals";
import type { Collection, EmbeddingSpace } from "./collection.ts";
import type { StoredPassage } from "./document.ts";
import type { KeywordQuery, LegResult } from "./keyword-index.ts";
import { createSearcher } from "./search.ts";
import { AllSourcesFailedError, QueryVectorError } from "./search-errors.ts";
import { searchDefaults, type SearchRequest } from "./search-request.ts";
import { UnknownSourceError } from "./source.ts";
import type { Stores } from "./stores.ts";
import type { VectorQuery } from "./vector-index.ts";

const space: EmbeddingSpace = {
  id: "a".repeat(16),
  dimensions: 2,
  kind: "semantic",
  denseWeight: 0.5,
  cacheThreshold: 2,
  model: "m",
};
const collectionOf = (name: string, fields: Partial<Collection> = {}): Collection => ({
  state: { collection: name, recordSeq: 3, projectedSeq: 2 },
  documentCount: 1,
  passageCount: 2,
  active: { space, vectorCount: 2, refusedCount: 0 },
  building: undefined,
  ...fields,
});
const found = (...passageIds: number[]): LegResult => ({
  hits: passageIds.map((passageId, index) => ({
    passageId,
    documentId: `d${passageId}`,
    ordinal: 0,
    score: 1 - index / 10,
  })),
});

interface Fakes {
  readonly collections?: readonly Collection[];
  readonly keyword?: (query: KeywordQuery, signal: AbortSignal) => Promise<LegResult>;
  readonly vector?: (query: VectorQuery, signal: AbortSignal) => Promise<LegResult>;
  readonly gone?: readonly number[];
  readonly legTimeLimitMs?: number;
}

function searcherOf({
  collections = [collectionOf("default")],
  keyword,
  vector,
  gone = [],
  legTimeLimitMs = 40,
}: Fakes) {
  const stores = {
    records: {
      collections: async () => collections,
      passages: async (_tenant: string, ids: readonly number[]) => {
        const kept = ids.filter((id) => !gone.includes(id));
        return new Map(kept.map((id) => [id, { ordinal: 0, text: `text ${id}` } as StoredPassage]));
      },
    },
    keywords: {
      search: async (_tenant: string, query: KeywordQuery, { signal }: { signal: AbortSignal }) =>
        keyword?.(query, signal) ?? found(1, 2),
    },
    vectors: {
      search: async (_tenant: string, query: VectorQuery, { signal }: { signal: AbortSignal }) =>
        vector?.(query, signal) ?? found(2, 3),
    },
  } as unknown as Stores;
  return createSearcher({ stores, sources: [{ name: "corpus", kind: "hybrid" }], legTimeLimitMs });
}

const requestOf = (fields: Partial<SearchRequest> = {}): SearchRequest => ({
  ...searchDefaults,
  query: "q",
  vector: { value: { kind: "float32", values: Float32Array.of(1, 0) }, spaceId: space.id },
  vectorLimit: 50,
  ...fields,
});
const call = { signal: new AbortController().signal };
const legsOf = ({ legs }: { legs: readonly { leg: string; status: string; reason: string | undefined }[] }) =>
  legs.map(({ leg, status, reason }) => [leg, status, reason]);
const failing = () => Promise.reject(new Error("connection refused"));
/** Deaf to its signal. */
const hanging = () => new Promise<LegResult>(() => {});

describe("a search", () => {
  it("asks both legs, each with its own limit, and fuses by the space's weight", async () => {
    const asked: unknown[] = [];
    const search = searcherOf({
      keyword: async ({ limit, collections }) => (asked.push(["keyword", limit, collections]), found(1, 2)),
      vector: async ({ limit, collections }) => (asked.push(["vector", limit, collections]), found(2, 3)),
    });
    const result = await search("t", requestOf(), call);
    expect(asked).toEqual([
      ["keyword", 100, ["default"]],
      ["vector", 50, ["default"]],
    ]);
    expect(result.passages.map(({ text, score }) => [text, score])).toEqual([
      ["text 2", 0.95],
      ["text 1", 0.5],
      ["text 3", 0],
    ]);
    expect(result.collections).toEqual([{ collection: "default", recordSeq: 3, projectedSeq: 2 }]);
  });

  it("gives the same in sequence, one leg after the other", async () => {
    let running = 0;
    const alone = async (result: LegResult) => {
      running += 1;
      expect(running).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return result;
    };
    const inSequence = searcherOf({ keyword: () => alone(found(1, 2)), vector: () => alone(found(2, 3)) });
    const sequential = await inSequence("t", requestOf({ execution: "sequential" }), call);
    const parallel = await searcherOf({})("t", requestOf(), call);
    expect(sequential.passages).toEqual(parallel.passages);
    expect(legsOf(sequential)).toEqual(legsOf(parallel));
  });

  it.each<[string, Fakes, Partial<SearchRequest>, unknown[]]>([
    ["without a vector", {}, { vector: undefined }, ["vector", "skipped", "NO_QUERY_VECTOR"]],
    ["when a leg fails", { vector: failing }, {}, ["vector", "failed", "UPSTREAM_FAILED"]],
    ["when a leg hangs", { vector: hanging }, {}, ["vector", "failed", "OUT_OF_TIME"]],
    [
      "with a vector of another space",
      {},
      { vector: { value: requestOf().vector!.value, spaceId: "b".repeat(16) } },
      ["vector", "skipped", "EMBEDDING_SPACE_MISMATCH"],
    ],
    [
      "before the first vector",
      { collections: [collectionOf("default", { active: undefined })] },
      {},
      ["vector", "skipped", "VECTORS_PENDING"],
    ],
    [
      "while vectors are missing",
      { collections: [collectionOf("default", { active: { space, vectorCount: 1, refusedCount: 0 } })] },
      {},
      ["vector", "partial", "VECTORS_PENDING"],
    ],
    [
      "where one collection has another space",
      {
        collections: [
          collectionOf("default"),
          collectionOf("other", {
            active: { space: { ...space, id: "c".repeat(16) }, vectorCount: 2, refusedCount: 0 },
          }),
        ],
      },
      {},
      ["vector", "partial", "EMBEDDING_SPACE_MISMATCH"],
    ],
    [
      "when an index says that something is missing",
      { vector: async () => ({ ...found(3), partial: "UPSTREAM_FAILED" }) },
      {},
      ["vector", "partial", "UPSTREAM_FAILED"],
    ],
  ])("says what is missing %s, and goes on", async (_name, fakes, request, expected) => {
    const result = await searcherOf(fakes)("t", requestOf(request), call);
    expect(legsOf(result)).toEqual([["keyword", "ok", undefined], expected]);
    expect(result.passages[0]!.score).toBeGreaterThan(0.4);
  });

  it("waits for no vector of what the embedder refuses for good", async () => {
    const active = { space, vectorCount: 1, refusedCount: 1 };
    const result = await searcherOf({ collections: [collectionOf("default", { active })] })("t", requestOf(), call);
    expect(legsOf(result)[1]).toEqual(["vector", "ok", undefined]);
  });

  it("tells a leg that is out of time to stop, without touching its neighbour or the call", async () => {
    const signals: AbortSignal[] = [];
    const search = searcherOf({
      keyword: async (_query, signal) => (signals.push(signal), found(1)),
      vector: (_query, signal) => (signals.push(signal), hanging()),
    });
    const own = new AbortController();
    const result = await search("t", requestOf(), { signal: own.signal });
    expect(legsOf(result).map(([, status]) => status)).toEqual(["ok", "failed"]);
    expect(signals[0]).not.toBe(signals[1]);
    expect(signals[1]!.aborted).toBe(true);
    expect(own.signal.aborted).toBe(false);
  });

  it("gives legs no more time than the call has left", async () => {
    const search = searcherOf({ vector: hanging, legTimeLimitMs: 600_000 });
    const result = await search("t", requestOf(), { ...call, grantMs: 20 });
    expect(legsOf(result)[1]).toEqual(["vector", "failed", "OUT_OF_TIME"]);
    const late = await search("t", requestOf(), { ...call, grantMs: 0 });
    expect(legsOf(late).map(([, status, reason]) => [status, reason])).toEqual([
      ["skipped", "OUT_OF_TIME"],
      ["skipped", "OUT_OF_TIME"],
    ]);
  });

  it("fails only when nothing answered", async () => {
    const search = searcherOf({ keyword: failing, vector: failing });
    await expect(search("t", requestOf(), call)).rejects.toThrow(AllSourcesFailedError);
    await expect(search("t", requestOf({ vector: undefined }), call)).rejects.toThrow(AllSourcesFailedError);
    const skipped = await searcherOf({})("t", requestOf({ fusion: "vector-only", vector: undefined }), call);
    expect(skipped).toMatchObject({ passages: [], legs: [{ status: "skipped" }] });
  });

  it("ends with the caller's reason when the caller leaves", async () => {
    const own = new AbortController();
    const search = searcherOf({ keyword: hanging, vector: hanging });
    const result = search("t", requestOf(), { signal: own.signal });
    own.abort(new Error("left"));
    await expect(result).rejects.toThrow("left");
  });

  it("runs only the leg that the fusion needs", async () => {
    const only = async (fusion: SearchRequest["fusion"]) =>
      legsOf(await searcherOf({})("t", requestOf({ fusion }), call)).map(([leg]) => leg);
    expect(await only("keyword-only")).toEqual(["keyword"]);
    expect(await only("vector-only")).toEqual(["vector"]);
    expect(await only("rrf")).toEqual(["keyword", "vector"]);
  });

  it("gives the place of a passage deleted meanwhile to the next", async () => {
    const search = searcherOf({ keyword: async () => found(1, 2, 3, 4), gone: [1, 3] });
    const result = await search("t", requestOf({ fusion: "keyword-only", pageSize: 2 }), call);
    expect(result.passages.map(({ text }) => text)).toEqual(["text 2", "text 4"]);
  });

  it("neither asks nor reports collections that the filter excludes", async () => {
    const other = collectionOf("other", {
      active: { space: { ...space, id: "c".repeat(16) }, vectorCount: 2, refusedCount: 0 },
    });
    const search = searcherOf({ collections: [collectionOf("default"), other] });
    const field = { kind: "attribute", name: "collection" } as const;
    const filter = { kind: "equalsAny", field, values: [{ kind: "string", value: "default" }] } as const;
    const result = await search("t", requestOf({ filter }), call);
    expect(legsOf(result)).toEqual([
      ["keyword", "ok", undefined],
      ["vector", "ok", undefined],
    ]);
    expect(result.collections.map(({ collection }) => collection)).toEqual(["default"]);
  });

  it("refuses a source it does not know and a vector of another length", async () => {
    const search = searcherOf({});
    await expect(search("t", requestOf({ sources: ["corpus", "graph"] }), call)).rejects.toThrow(UnknownSourceError);
    const vector = { value: { kind: "float32", values: Float32Array.of(1, 2, 3) } as const, spaceId: space.id };
    await expect(search("t", requestOf({ vector }), call)).rejects.toThrow(QueryVectorError);
  });
});
