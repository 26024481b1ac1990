import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { StoredPassage } from "./document.ts";
import type { FusedHit } from "./fusion.ts";
import type { RerankedPassage, Reranker, RerankQuery } from "./reranker.ts";
import { rerank, type RerankCall } from "./search-rerank.ts";
import type { SearchRequest } from "./search-request.ts";
import { createStoreGuard } from "./store-guard.ts";

const fusedOf = (...scores: number[]): FusedHit[] =>
  scores.map((score, index) => ({ passageId: index + 1, documentId: `d${index + 1}`, ordinal: 0, score, ranks: [] }));
const request = { query: "연차", vector: undefined, fusion: "convex" } as SearchRequest;
const search = { tenant: "t", request, collections: [] };
const passage = (id: number) => ({ text: `글 ${id}`, document: { title: `제목 ${id}` } }) as StoredPassage;

interface Fakes {
  readonly answer?: (query: RerankQuery, signal: AbortSignal) => Promise<readonly RerankedPassage[]>;
  readonly maxCandidates?: number;
  readonly readsTexts?: boolean;
  readonly suits?: Reranker["suits"];
  readonly gone?: readonly number[];
  readonly endAt?: number;
  readonly signal?: AbortSignal;
  readonly timeLimitMs?: number;
}

function setUp({
  answer,
  maxCandidates = 100,
  readsTexts = true,
  suits = () => true,
  gone = [],
  timeLimitMs = 10_000,
  ...rest
}: Fakes) {
  const asked: RerankQuery[] = [];
  const errors: unknown[] = [];
  const reranker: Reranker = {
    id: "fake",
    maxCandidates,
    readsTexts,
    suits,
    rerank: async (query, { signal }) => {
      asked.push(query);
      return answer === undefined ? [] : answer(query, signal);
    },
  };
  const call: RerankCall = {
    signal: new AbortController().signal,
    endAt: Infinity,
    read: async (ids) => new Map(ids.filter((id) => !gone.includes(id)).map((id) => [id, passage(id)])),
    onError: (error) => errors.push(error),
    ...rest,
  };
  const run = (fused: readonly FusedHit[]) =>
    rerank(fused, search, { reranker, guard: createStoreGuard(), timeLimitMs }, call);
  return { run, asked, errors };
}

const places = (hits: readonly FusedHit[]) => hits.map(({ passageId, score }) => [passageId, score]);

describe("reranking", () => {
  it("shows the reranker texts and titles, and takes its order and scores", async () => {
    const { run, asked } = setUp({
      answer: async ({ candidates }) => candidates.map(({ passageId }) => ({ passageId, score: passageId / 10 })),
    });
    const { hits, failed } = await run(fusedOf(0.9, 0.5, 0.1));
    expect(asked).toEqual([
      {
        tenant: "t",
        text: "연차",
        vector: undefined,
        fusion: "convex",
        collections: [],
        candidates: [
          { passageId: 1, text: "글 1", title: "제목 1", score: 0.9 },
          { passageId: 2, text: "글 2", title: "제목 2", score: 0.5 },
          { passageId: 3, text: "글 3", title: "제목 3", score: 0.1 },
        ],
      },
    ]);
    expect(places(hits)).toEqual([
      [3, 0.3],
      [2, 0.2],
      [1, 0.1],
    ]);
    expect(failed).toBe(false);
  });

  it("fetches no texts for a reranker that does not read them", async () => {
    const { run, asked } = setUp({ readsTexts: false, gone: [1, 2], answer: async () => [{ passageId: 2, score: 1 }] });
    expect(places((await run(fusedOf(0.9, 0.5))).hits)).toEqual([
      [2, 1],
      [1, 0.9],
    ]);
    expect(asked[0]!.candidates[0]).toEqual({ passageId: 1, text: "", title: "", score: 0.9 });
  });

  it("leaves a search alone that does not suit the reranker, which is not asked", async () => {
    const seen: unknown[] = [];
    const suits: Reranker["suits"] = (given) => {
      seen.push(given);
      return false;
    };
    const { run, asked } = setUp({ suits, answer: async () => [{ passageId: 2, score: 1 }] });
    const fused = fusedOf(0.9, 0.5);
    expect(await run(fused)).toEqual({ hits: fused, failed: false });
    expect(asked).toEqual([]);
    expect(seen).toEqual([{ tenant: "t", text: "연차", vector: undefined, fusion: "convex", collections: [] }]);
  });

  it("leaves behind what it was not shown or did not score, in the fusion's order", async () => {
    const { run } = setUp({ maxCandidates: 3, answer: async () => [{ passageId: 2, score: 0.4 }] });
    expect(places((await run(fusedOf(1, 0.8, 0.6, 0.5))).hits)).toEqual([
      [2, 0.4],
      [1, 0.4],
      [3, 0.6 * 0.4],
      [4, 0.5 * 0.4],
    ]);
  });

  it("keeps every passage once, with scores in [0, 1] that never rise, whatever a reranker says", async () => {
    const said = fc.array(fc.record({ passageId: fc.integer({ min: 0, max: 9 }), score: fc.double() }), {
      maxLength: 12,
    });
    const scores = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(said, scores, async (answer, given) => {
        const fused = fusedOf(...given.sort((a, b) => b - a));
        const { hits, failed } = await setUp({ answer: async () => answer }).run(fused);
        expect(failed).toBe(false);
        expect(hits.map(({ passageId }) => passageId).sort()).toEqual(fused.map(({ passageId }) => passageId).sort());
        hits.forEach(({ score }, index) => {
          expect(score).toBeGreaterThanOrEqual(0);
          expect(score).toBeLessThanOrEqual(hits[index - 1]?.score ?? 1);
        });
      }),
    );
  });

  it.each<[string, Fakes]>([
    ["fails", { answer: () => Promise.reject(new Error("503")) }],
    ["hangs", { answer: () => new Promise(() => {}), timeLimitMs: 10 }],
    ["comes too late to be asked", { endAt: 0 }],
  ])("leaves the fusion's order, and says so, when the reranker %s", async (_, fakes) => {
    const { run, errors } = setUp(fakes);
    const fused = fusedOf(0.9, 0.5);
    expect(await run(fused)).toEqual({ hits: fused, failed: true });
    expect(errors).toHaveLength(1);
  });

  it("ends with the caller, and tells the reranker", async () => {
    const caller = new AbortController();
    let told: AbortSignal | undefined;
    const { run, errors } = setUp({
      signal: caller.signal,
      answer: (_, signal) => ((told = signal), new Promise(() => {})),
    });
    const reranked = run(fusedOf(0.9, 0.5));
    setImmediate(() => caller.abort(new Error("left")));
    await expect(reranked).rejects.toThrow("left");
    expect([told!.aborted, errors]).toEqual([true, []]);
  });

  it("asks nobody about fewer than two passages that still exist", async () => {
    const { run, asked } = setUp({ gone: [2] });
    const fused = fusedOf(0.9, 0.5);
    expect(await run(fused)).toEqual({ hits: fused, failed: false });
    expect(await run([])).toEqual({ hits: [], failed: false });
    expect(asked).toEqual([]);
  });
});
