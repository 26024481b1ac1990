import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { Collection, EmbeddingSpace } from "./collection.ts";
import type { StoredPassage } from "./document.ts";
import type { Hit, LegResult } from "./keyword-index.ts";
import { PageInterruptedError } from "./later-page.ts";
import type { PageStart } from "./page-start.ts";
import { comparePlaces, type RankingPart } from "./place.ts";
import { createSearcher, type Searcher } from "./search.ts";
import { PlanChangedError } from "./search-plan.ts";
import { searchDefaults, type SearchRequest, type SearchResult } from "./search-request.ts";
import type { Source } from "./source.ts";
import type { Stores } from "./stores.ts";

const space: EmbeddingSpace = {
  id: "a".repeat(16),
  dimensions: 1,
  kind: "semantic",
  denseWeight: 0.4,
  cacheThreshold: 2,
  model: "m",
};
const collections: readonly Collection[] = ["one", "two"].map((collection) => ({
  state: { collection, recordSeq: 1, projectedSeq: 1 },
  documentCount: 1,
  passageCount: 1,
  active: { space, vectorCount: 1, refusedCount: 0 },
  building: undefined,
}));

/** The scores of one engine by passage; those without one are not found. A passage of an even number is in `one`. */
type Scores = ReadonlyMap<number, number>;

interface World {
  readonly keyword: Scores;
  readonly vector: Scores;
  readonly graph: Scores;
  /** What an approximate index of vectors passes over in its first hits. */
  readonly passedOver: ReadonlySet<number>;
  readonly gone: Set<number>;
  failing?: "keyword" | "vector" | "graph" | undefined;
  /** How many of its first hits the keyword engine gives, whose shards are out of time. Default: all. */
  readonly keywordsCutAt?: number;
}

const names = ["가", "나", "a", "b"];
const toHit = ([passageId, score]: readonly [number, number]): Hit => ({
  passageId,
  documentId: `${names[passageId % 4]}${Math.floor(passageId / 12)}`,
  ordinal: passageId % 12,
  score,
});

function rank(scores: Scores, query: RankingPart & { collections: readonly string[]; limit: number }): Hit[] {
  const { collections: searched, after, passageIds, limit } = query;
  return [...scores]
    .filter(([id]) => searched.includes(id % 2 === 0 ? "one" : "two"))
    .filter(([id]) => passageIds === undefined || passageIds.includes(id))
    .map(toHit)
    .sort(comparePlaces)
    .filter((hit) => after === undefined || comparePlaces(hit, after) > 0)
    .slice(0, limit);
}

function storesOf(world: World): Stores {
  const engine =
    (leg: "keyword" | "vector" | "graph", scores: Scores) =>
    async (_tenant: string, query: Parameters<typeof rank>[1]): Promise<LegResult> => {
      if (world.failing === leg) throw new Error("down");
      const isFirst = query.after === undefined && query.passageIds === undefined;
      if (leg === "keyword" && isFirst && world.keywordsCutAt !== undefined) {
        return { hits: rank(scores, query).slice(0, world.keywordsCutAt), partial: "PARTIAL_SHARDS" };
      }
      if (leg !== "vector" || world.passedOver.size === 0 || !isFirst) return { hits: rank(scores, query) };
      const seen = new Map([...scores].filter(([id]) => !world.passedOver.has(id)));
      return { hits: rank(seen, query), approximate: true };
    };
  return {
    records: {
      collections: async () => collections,
      passages: async (_tenant: string, ids: readonly number[]) =>
        new Map(ids.filter((id) => !world.gone.has(id)).map((id) => [id, { text: String(id) } as StoredPassage])),
    },
    keywords: { search: engine("keyword", world.keyword) },
    vectors: { search: engine("vector", world.vector) },
    graph: { search: engine("graph", world.graph), hasEntities: async () => true },
  } as unknown as Stores;
}

const hybrid: Source = { name: "corpus", kind: "hybrid" };
const sourceSets: readonly (readonly Source[])[] = [
  [hybrid],
  [hybrid, { name: "again", kind: "hybrid" }],
  [hybrid, { name: "part", kind: "keyword", collections: ["two"], weight: 2 }],
  [{ name: "near", kind: "vector", collections: ["one"] }, hybrid, { name: "graph", kind: "graph" }],
  [{ name: "graph", kind: "graph" }],
];

const requestOf = (fields: Partial<SearchRequest> = {}): SearchRequest => ({
  ...searchDefaults,
  query: "q",
  vector: { value: { kind: "float32", values: Float32Array.of(1) }, spaceId: space.id },
  pageSize: 5,
  keywordLimit: 6,
  vectorLimit: 4,
  candidateLimit: 8,
  ...fields,
});

const searcherOf = (world: World, sources: readonly Source[] = [hybrid], told: string[] = []): Searcher =>
  createSearcher({
    stores: storesOf(world),
    sources,
    legTimeLimitMs: 60_000,
    onLeg: ({ leg, status }) => void told.push(`${leg} ${status}`),
  });

const call = { signal: new AbortController().signal };
const idsOf = ({ passages }: SearchResult) => passages.map(({ text }) => Number(text));

/** Through JSON, as page tokens and caches carry it. */
const carried = (start: PageStart | undefined) => start && (JSON.parse(JSON.stringify(start)) as PageStart);

async function readAll(search: Searcher, request: SearchRequest, pageSizeAt = (_page: number) => request.pageSize) {
  const pages: SearchResult[] = [];
  for (let start: PageStart | undefined; ;) {
    const pageSize = pageSizeAt(pages.length);
    const page = await search("t", { ...request, pageSize, ...(start && { start }) }, call);
    expect(page.passages.length).toBeLessThanOrEqual(pageSize);
    pages.push(page);
    if (page.next === undefined) return { pages, ids: pages.flatMap(idsOf) };
    start = carried(page.next);
    expect(pages.length).toBeLessThan(1_000);
  }
}

const scores = (most: number) =>
  fc
    .dictionary(fc.nat({ max: 59 }).map(String), fc.integer({ min: 1, max: most }))
    .map((found): Scores => new Map(Object.entries(found).map(([id, score]) => [Number(id), score / 8])));
const some = fc.array(fc.nat({ max: 59 }), { maxLength: 8 }).map((ids) => new Set(ids));
const worlds = fc.record({ keyword: scores(5), vector: scores(9), graph: scores(3), passedOver: some, gone: some });
const limits = { keywordLimit: fc.integer({ min: 1, max: 20 }), vectorLimit: fc.integer({ min: 1, max: 20 }) };
const requests = fc.record({
  ...limits,
  candidateLimit: fc.integer({ min: 1, max: 30 }),
  fusion: fc.constantFrom("convex", "rrf", "keyword-only", "vector-only"),
}) as fc.Arbitrary<Partial<SearchRequest>>;

describe("the pages of a search", () => {
  it("are together everything that its legs find, once each, whatever their sizes", async () => {
    const property = fc.asyncProperty(
      worlds,
      fc.constantFrom(...sourceSets.slice(0, 4)),
      requests,
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
      async (world, sources, fields, sizes) => {
        const search = searcherOf(world, sources);
        const request = requestOf(fields);
        const { pages, ids } = await readAll(search, request, (page) => sizes[page % sizes.length]!);
        expect(new Set(ids).size).toBe(ids.length);
        const legs = new Set(pages[0]!.legs.map(({ leg }) => leg));
        const found = new Set([
          ...(legs.has("keyword") ? world.keyword.keys() : []),
          ...(legs.has("vector") ? world.vector.keys() : []),
        ]);
        const first = { collections: ["one", "two"], limit: request.keywordLimit };
        if (legs.has("graph")) for (const { passageId } of rank(world.graph, first)) found.add(passageId);
        for (const id of world.gone) found.delete(id);
        // A source of one collection alone leaves the other to those that search all.
        expect([...ids].sort((a, b) => a - b)).toEqual([...found].sort((a, b) => a - b));
        // In one order, however it is cut.
        expect((await readAll(search, request, () => 100)).ids).toEqual(ids);
      },
    );
    await fc.assert(property, { numRuns: 100 });
  }, 60_000);

  it("begin with what the fusion found, and go on by rank, the keyword's before the vector's", async () => {
    const count = 20;
    const keyword = new Map(Array.from({ length: count }, (_, id) => [id, 100 - id]));
    const vector = new Map(Array.from({ length: count }, (_, id) => [40 + id, 1 - id / 100]));
    const search = searcherOf({ keyword, vector, graph: new Map(), passedOver: new Set(), gone: new Set() });
    const { pages, ids } = await readAll(search, requestOf({ pageSize: 4, candidateLimit: 6 }));
    expect(pages.map(({ passages }) => passages.length)).toEqual([4, 2, 4, 4, 4, 4, 4, 4, 4, 4, 2]);
    const whole = await search("t", requestOf({ pageSize: 100, candidateLimit: 100 }), call);
    expect(ids.slice(0, 10)).toEqual(idsOf(whole));
    expect(ids.slice(10, 18)).toEqual([44, 45, 6, 46, 7, 47, 8, 48]);
    const scoresGiven = pages.flatMap(({ passages }) => passages.map(({ score }) => score));
    expect(scoresGiven).toEqual([...scoresGiven].sort((a, b) => b - a));
    expect(pages[4]!.passages[0]!.ranks).toEqual([{ source: "corpus", leg: "keyword", rank: 8, rawScore: 93 }]);
    expect(pages[4]!.legs).toMatchObject([
      { leg: "keyword", status: "ok" },
      { leg: "vector", status: "ok" },
    ]);
  });

  it.each([3, 0])("go on where an engine that was out of time gave %i of its first hits", async (keywordsCutAt) => {
    const keyword = new Map(Array.from({ length: 20 }, (_, id) => [id, 100 - id]));
    const none = { vector: new Map(), graph: new Map(), passedOver: new Set<number>(), gone: new Set<number>() };
    const search = searcherOf({ keyword, ...none, keywordsCutAt });
    const { pages, ids } = await readAll(search, requestOf({ fusion: "keyword-only" }));
    expect(ids).toEqual([...keyword.keys()]);
    expect(pages[0]!.legs).toMatchObject([{ status: "partial", reason: "PARTIAL_SHARDS" }]);
  });

  it("repeat nothing of what an approximate index passed over, and leave none of it out", async () => {
    const vector = new Map(Array.from({ length: 30 }, (_, id) => [id, 1 - id / 100]));
    const passedOver = new Set([0, 2, 29]);
    const search = searcherOf({ keyword: new Map(), vector, graph: new Map(), passedOver, gone: new Set() });
    const { ids, pages } = await readAll(search, requestOf({ fusion: "vector-only" }));
    expect(ids).toEqual([1, 3, 4, 5, 0, 2, ...Array.from({ length: 24 }, (_, id) => 6 + id)]);
    // What was fused is asked for again only until the ranking has come past it.
    expect(pages.map(({ next }) => next?.legs[0]!.isAhead)).toEqual([true, ...Array(5).fill(false), undefined]);
  });

  it("go without a leg that the first went without, and say why", async () => {
    const keyword = new Map([1, 2, 3, 4, 5, 6, 7, 8].map((id) => [id, id]));
    const vector = new Map([9, 10, 11].map((id) => [id, 1]));
    const world: World = { keyword, vector, graph: new Map(), passedOver: new Set(), gone: new Set() };
    const search = searcherOf(world);
    world.failing = "vector";
    const request = requestOf({ pageSize: 3 });
    const first = await search("t", request, call);
    world.failing = undefined;
    const ids = [idsOf(first)];
    for (let start = carried(first.next); start !== undefined;) {
      const page = await search("t", { ...request, start }, call);
      expect(page.legs[1]).toMatchObject({ leg: "vector", status: "skipped", reason: "UPSTREAM_FAILED" });
      ids.push(idsOf(page));
      start = carried(page.next);
    }
    expect(ids.flat()).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
  });

  it.each([0, 1, 2])("cannot do without a leg that the first had: page %d", async (pagesBefore) => {
    const keyword = new Map(Array.from({ length: 20 }, (_, id) => [id, id + 1]));
    const world: World = { keyword, vector: keyword, graph: new Map(), passedOver: new Set(), gone: new Set() };
    const told: string[] = [];
    const search = searcherOf(world, [hybrid], told);
    let page = await search("t", requestOf(), call);
    for (let before = 0; before < pagesBefore; before += 1) {
      page = await search("t", requestOf({ start: carried(page.next) }), call);
    }
    const next = requestOf({ start: carried(page.next) });
    world.failing = "vector";
    told.length = 0;
    await expect(search("t", next, call)).rejects.toThrow(PageInterruptedError);
    expect(told).toContain("vector failed");
    await expect(search("t", { ...next, vector: undefined }, call)).rejects.toThrow(PageInterruptedError);
    world.failing = undefined;
    expect(idsOf(await search("t", next, call)).some((id) => idsOf(page).includes(id))).toBe(false);
  });

  it("end with the sources that they began with", async () => {
    const keyword = new Map(Array.from({ length: 20 }, (_, id) => [id, id + 1]));
    const world: World = { keyword, vector: keyword, graph: keyword, passedOver: new Set(), gone: new Set() };
    const { next } = await searcherOf(world)("t", requestOf(), call);
    const start = carried(next);
    const graph: Source = { name: "graph", kind: "graph" };
    // Nobody had a graph when the first page was found.
    await expect(searcherOf(world, [hybrid, graph])("t", requestOf({ start }), call)).resolves.toBeDefined();
    const other = searcherOf(world, [{ ...hybrid, weight: 2 }, graph]);
    await expect(other("t", requestOf({ start }), call)).rejects.toThrow(PlanChangedError);
  });

  it("find their place again where all scores moved", async () => {
    const keyword = new Map(Array.from({ length: 40 }, (_, id) => [id, 100 - id]));
    const world: World = { keyword, vector: new Map(), graph: new Map(), passedOver: new Set(), gone: new Set() };
    const search = searcherOf(world);
    const request = requestOf({ fusion: "keyword-only" });
    const ids: number[] = [];
    for (let start: PageStart | undefined, page = 0; page === 0 || start !== undefined; page += 1) {
      const result = await search("t", { ...request, start }, call);
      ids.push(...idsOf(result));
      start = carried(result.next);
      // As when another document comes and every word is rarer: the same order.
      for (const [id, score] of keyword) keyword.set(id, score * (page % 2 === 0 ? 1.07 : 0.91));
    }
    expect(ids).toEqual(Array.from({ length: 40 }, (_, id) => id));
  });
});
