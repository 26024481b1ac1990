import { describe, expect, it } from "@jest/globals";
import type { GraphIndex } from "./graph-index.ts";
import { unguarded } from "./search-legs.ts";
import { createSearcher } from "./search.ts";
import { createGraphChoice, type GraphCall } from "./search-graph.ts";
import { planOf } from "./search-plan.ts";
import type { SearchRequest } from "./search-request.ts";
import type { Source } from "./source.ts";
import type { Stores } from "./stores.ts";

const sources: readonly Source[] = [
  { name: "corpus", kind: "hybrid" },
  { name: "graph", kind: "graph" },
];
const requestOf = (fields: Partial<SearchRequest> = {}) =>
  ({ sources: [], fusion: "convex", ...fields }) as unknown as SearchRequest;

function choiceOf(graph: Partial<GraphIndex> | undefined) {
  const asked: string[] = [];
  const counted: Partial<GraphIndex> | undefined = graph && {
    hasEntities: async (...given) => (asked.push("hasEntities"), graph.hasEntities?.(...given) ?? true),
    version: async (...given) => (asked.push("version"), graph.version?.(...given) ?? 7),
  };
  const choice = createGraphChoice({ stores: { graph: counted } as Stores, guards: unguarded() });
  const choose = async (fields: Partial<SearchRequest> = {}, call: Partial<GraphCall> = {}) => {
    const chosen = await choice.choose("t", requestOf(fields), sources, {
      ...{ signal: new AbortController().signal, limitMs: 10_000, rerankerId: undefined, recordError: undefined },
      ...call,
    });
    return [chosen.sources.map(({ name }) => name), chosen.graphState];
  };
  return { choose, asked };
}

const both = ["corpus", "graph"];

describe("a graph in a search", () => {
  it("takes part by default where the tenant has one, and its version with it", async () => {
    const { choose, asked } = choiceOf({});
    expect(await choose()).toEqual([both, 7]);
    expect(asked).toEqual(["hasEntities", "version"]);
  });

  it.each<[string, Partial<GraphIndex> | undefined]>([
    ["there is none", undefined],
    ["it is empty", { hasEntities: async () => false }],
  ])("is left out by default where %s, and costs nothing more", async (_, graph) => {
    const { choose, asked } = choiceOf(graph);
    expect(await choose()).toEqual([["corpus"], undefined]);
    expect(asked).not.toContain("version");
  });

  it("takes part where it is named, without a question first", async () => {
    const { choose, asked } = choiceOf({});
    expect(await choose({ sources: both })).toEqual([both, 7]);
    expect(asked).toEqual(["version"]);
    expect(await choiceOf(undefined).choose({ sources: both })).toEqual([both, undefined]);
  });

  it("is asked nothing where the fusion leaves it no leg", async () => {
    const { choose, asked } = choiceOf({});
    expect(await choose({ sources: both, fusion: "keyword-only" })).toEqual([both, undefined]);
    expect(asked).toEqual([]);
  });

  it("is left out while the record is away, unless it is named; then nobody keeps the result", async () => {
    const { choose, asked } = choiceOf({});
    const recordError = new Error("connection refused");
    expect(await choose({}, { recordError })).toEqual([["corpus"], undefined]);
    expect(await choose({ sources: both }, { recordError })).toEqual([both, "unknown"]);
    expect(asked).toEqual([]);
  });

  it.each<[string, () => Promise<number>]>([
    ["fails", () => Promise.reject(new Error("connection refused"))],
    ["hangs", () => new Promise(() => {})],
  ])("takes part, and nobody keeps the result, when its version %s", async (_, version) => {
    expect(await choiceOf({ version }).choose({}, { limitMs: 10 })).toEqual([both, "unknown"]);
  });

  it("keeps no leg from its time where the record hangs once it has told its collections", async () => {
    const state = { collection: "default", recordSeq: 1, projectedSeq: 1 };
    const slowly = (_: string, { timeoutMs }: { readonly timeoutMs?: number }) =>
      new Promise((resolve) => setTimeout(() => resolve(true), timeoutMs));
    const stores = {
      records: {
        collections: async () => [{ state, documentCount: 1, passageCount: 1, active: undefined, building: undefined }],
        passages: async () => new Map([[1, { ordinal: 0, text: "found" }]]),
      },
      keywords: { search: async () => ({ hits: [{ passageId: 1, documentId: "d", ordinal: 0, score: 1 }] }) },
      graph: { hasEntities: slowly, version: () => new Promise(() => {}), search: async () => ({ hits: [] }) },
    } as unknown as Stores;
    const search = createSearcher({ stores, sources, legTimeLimitMs: 10_000 });
    const limits = { pageSize: 10, keywordLimit: 10, vectorLimit: 10, candidateLimit: 10 };
    const request = requestOf({ query: "q", execution: "parallel", cacheUse: "read-write", ...limits });
    const { passages } = await search("t", request, { signal: new AbortController().signal, grantMs: 4_000 });
    expect(passages).toMatchObject([{ text: "found" }]);
  });

  it("ends with the caller", async () => {
    const signal = AbortSignal.abort(new Error("left"));
    await expect(choiceOf({}).choose({ sources: both }, { signal })).rejects.toThrow("left");
  });

  it("is on a later page what it was on the first", async () => {
    const { choose } = choiceOf({ hasEntities: async () => false });
    const startOf = (of: readonly Source[]) => {
      const plan = planOf({ sources: of, rerankerId: undefined });
      return { start: { plan } as NonNullable<SearchRequest["start"]> };
    };
    expect(await choose(startOf(sources))).toEqual([both, 7]);
    expect(await choose(startOf(sources.slice(0, 1)))).toEqual([["corpus"], undefined]);
  });
});
