import { describe, expect, it } from "@jest/globals";
import { createBreaker } from "@quartet/resilience";
import type { Collection, EmbeddingSpace } from "./collection.ts";
import type { StoredPassage } from "./document.ts";
import type { LegResult } from "./keyword-index.ts";
import type { LegOutcome, LegReport } from "./leg.ts";
import { createSearcher } from "./search.ts";
import { AllSourcesFailedError } from "./search-errors.ts";
import { searchDefaults, type SearchRequest, type SearchResult } from "./search-request.ts";
import { createStoreGuard } from "./store-guard.ts";
import type { Stores } from "./stores.ts";

/** A record with vectors in one engine and keywords with a projection in another, each of which can be made to fail. */
function twoEngines({ legTimeLimitMs = 10_000, keywordLagMs = 0 } = {}) {
  const space = { id: "a".repeat(16), dimensions: 2, denseWeight: 0.5 } as EmbeddingSpace;
  const collection = (recordSeq: number, projectedSeq: number): Collection => ({
    state: { collection: "default", recordSeq, projectedSeq },
    documentCount: 4,
    passageCount: 4,
    active: { space, vectorCount: 4, refusedCount: 0 },
    building: undefined,
  });
  const found = (...ids: number[]): LegResult => ({
    hits: ids.map((passageId, rank) => ({ passageId, documentId: `d${passageId}`, ordinal: 0, score: 1 - rank / 10 })),
  });
  const engines = {
    record: (): Promise<void> => Promise.resolve(),
    keyword: (): Promise<void> => Promise.resolve(),
    vector: (): Promise<void> => Promise.resolve(),
    collections: [collection(3, 3)],
    kept: new Set([1, 2, 3]),
    asked: { keyword: 0, vector: 0, record: 0, projection: 0 },
    signals: [] as AbortSignal[],
  };
  const passages = (ids: readonly number[], text: string, kept: ReadonlySet<number>) =>
    new Map(
      ids
        .filter((id) => kept.has(id))
        .map((id) => [id, { ordinal: 0, text: `${text} ${id}` } as StoredPassage] as const),
    );
  const stores = {
    records: {
      collections: async () => {
        engines.asked.record += 1;
        await engines.record();
        return engines.collections;
      },
      passages: async (_: string, ids: readonly number[]) => {
        await engines.record();
        return passages(ids, "record", engines.kept);
      },
    },
    keywords: {
      search: async (_: string, __: unknown, { signal }: { signal: AbortSignal }) => {
        engines.asked.keyword += 1;
        engines.signals.push(signal);
        await engines.keyword();
        return found(1, 2);
      },
    },
    vectors: {
      search: async (_: string, __: unknown, { signal }: { signal: AbortSignal }) => {
        engines.asked.vector += 1;
        engines.signals.push(signal);
        await engines.vector();
        return found(2, 3);
      },
    },
    projection: {
      collections: async () => {
        engines.asked.projection += 1;
        await engines.keyword();
        return [{ ...collection(0, 0), active: undefined }];
      },
      passages: async (_: string, ids: readonly number[]) => {
        await engines.keyword();
        return passages(ids, "projection", new Set([1, 2]));
      },
    },
  } as unknown as Stores;
  const breakers = ["record", "projection", "keyword", "vector"].map((name) =>
    createBreaker({ name, minimumCalls: 5 }),
  );
  const [record, projection, keyword, vector] = breakers.map((breaker) => createStoreGuard({ breaker, fairMs: 1 }));
  const told: LegOutcome[] = [];
  const recordErrors: unknown[] = [];
  const search = createSearcher({
    stores,
    guards: {
      record: record!,
      projection: projection!,
      leg: (_, kind) => (kind === "keyword" ? keyword! : vector!),
    },
    sources: [{ name: "corpus", kind: "hybrid" }],
    legTimeLimitMs,
    keywordLagMs: () => keywordLagMs,
    onLeg: (outcome) => told.push(outcome),
    onRecordError: (error) => recordErrors.push(error),
  });
  const request = (fields: Partial<SearchRequest> = {}): SearchRequest => ({
    ...searchDefaults,
    query: "q",
    vector: { value: { kind: "float32", values: Float32Array.of(1, 0) }, spaceId: space.id },
    ...fields,
  });
  const ask = (fields: Partial<SearchRequest> = {}, grantMs = 600_000, signal = new AbortController().signal) =>
    search("t", request(fields), { signal, grantMs });
  return {
    engines,
    breakers,
    told,
    recordErrors,
    search,
    request,
    ask,
    collection,
    [Symbol.dispose]: () => breakers.forEach((breaker) => breaker.close()),
  };
}

const down = () => Promise.reject(new Error("connection refused"));
const hanging = () => new Promise<never>(() => {});
const texts = ({ passages }: SearchResult) => passages.map(({ text }) => text);
const legs = ({ legs: outcomes }: { readonly legs: readonly LegReport[] }) =>
  outcomes.map(({ leg, status, reason }) => [leg, status, reason]);
const failureOf = (asked: Promise<unknown>) =>
  asked.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("a search over two engines", () => {
  it("finds by vectors alone while the keyword index is away", async () => {
    using two = twoEngines();
    two.engines.keyword = down;
    const result = await two.ask();
    expect(texts(result)).toEqual(["record 2", "record 3"]);
    expect(legs(result)).toEqual([
      ["keyword", "failed", "UPSTREAM_FAILED"],
      ["vector", "ok", undefined],
    ]);
    expect(result.withoutRecord).toBe(false);
  });

  it.each([
    ["is away", down, "UPSTREAM_FAILED"],
    ["hangs", hanging, "OUT_OF_TIME"],
  ])("answers from the projection, and says so, while the record %s", async (_, record, reason) => {
    using two = twoEngines({ legTimeLimitMs: 200 });
    two.engines.record = record;
    const result = await two.ask();
    expect(texts(result)).toEqual(["projection 1", "projection 2"]);
    expect(legs(result)).toEqual([
      ["keyword", "ok", undefined],
      ["vector", "failed", reason],
    ]);
    expect(result.withoutRecord).toBe(true);
    expect(two.engines.asked.vector).toBe(0);
    // Once for the collections, once for the passages.
    expect(two.recordErrors).toHaveLength(2);
  });

  it("reads passages from the projection when the record goes away between the legs and the page", async () => {
    using two = twoEngines();
    two.engines.vector = async () => {
      two.engines.record = down;
    };
    const result = await two.ask();
    // What the projection does not show yet gives its place up.
    expect(texts(result)).toEqual(["projection 2", "projection 1"]);
    expect(result.withoutRecord).toBe(true);
  });

  it("fails when both are away, soon, and names both", async () => {
    using two = twoEngines();
    two.engines.record = down;
    two.engines.keyword = down;
    const error = await failureOf(two.ask());
    expect(error).toBeInstanceOf(AllSourcesFailedError);
    expect(legs(error as AllSourcesFailedError)).toEqual([
      ["keyword", "failed", "UPSTREAM_FAILED"],
      ["vector", "failed", "UPSTREAM_FAILED"],
    ]);
    expect(two.told).toHaveLength(2);
    // Once the breakers are open nothing is asked any more, and it is still a failure.
    for (let round = 0; round < 6; round += 1) await failureOf(two.ask());
    expect(two.breakers.map(({ state }) => state)).toEqual(["open", "open", "closed", "closed"]);
    const { record } = two.engines.asked;
    const refused = await failureOf(two.ask());
    expect(legs(refused as AllSourcesFailedError)).toEqual([
      ["keyword", "skipped", "CIRCUIT_OPEN"],
      ["vector", "skipped", "CIRCUIT_OPEN"],
    ]);
    expect(two.engines.asked.record).toBe(record);
  });

  it("skips a leg whose breaker is open, without waiting for it", async () => {
    using two = twoEngines();
    two.engines.vector = down;
    for (let round = 0; round < 6; round += 1) await two.ask({ pageSize: round + 1 });
    const before = two.engines.asked.vector;
    const result = await two.ask();
    expect(legs(result)[1]).toEqual(["vector", "skipped", "CIRCUIT_OPEN"]);
    expect([two.engines.asked.vector, two.breakers[0]!.state]).toEqual([before, "closed"]);
    const alone = await failureOf(two.ask({ fusion: "vector-only" }));
    expect(alone).toBeInstanceOf(AllSourcesFailedError);
  });

  it("holds callers who leave against no engine", async () => {
    using two = twoEngines();
    two.engines.keyword = hanging;
    two.engines.vector = hanging;
    for (let round = 0; round < 12; round += 1) {
      const caller = new AbortController();
      const asked = two.ask({ pageSize: round + 1 }, 600_000, caller.signal);
      setTimeout(() => caller.abort(new Error("left")), 1);
      await expect(asked).rejects.toThrow("left");
    }
    expect(two.breakers.map(({ state }) => state)).toEqual(["closed", "closed", "closed", "closed"]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(two.engines.signals.every(({ aborted }) => aborted)).toBe(true);
  });

  it("gives the place of what the record no longer has to the next", async () => {
    using two = twoEngines();
    two.engines.kept = new Set([3]);
    expect(texts(await two.ask({ pageSize: 1 }))).toEqual(["record 3"]);
  });

  it("returns only candidates of the fusion", async () => {
    using two = twoEngines();
    expect(texts(await two.ask({ candidateLimit: 2 }))).toHaveLength(2);
    expect(texts(await two.ask({ candidateLimit: 200 }))).toHaveLength(3);
  });

  it.each([
    [4_000, "ok", undefined],
    [6_000, "partial", "MAY_BE_STALE"],
  ] as const)(
    "says that keywords lag only when they do for longer than a moment (%d ms)",
    async (lag, status, reason) => {
      using two = twoEngines({ keywordLagMs: lag });
      expect(legs(await two.ask())[0]).toEqual(["keyword", "ok", undefined]);
      two.engines.collections = [two.collection(4, 3)];
      expect(legs(await two.ask())[0]).toEqual(["keyword", status, reason]);
    },
  );
});

describe("equal searches in flight", () => {
  /** Both legs wait until they are released. */
  function gated() {
    const two = twoEngines();
    const gate = Promise.withResolvers<void>();
    two.engines.keyword = () => gate.promise;
    two.engines.vector = () => gate.promise;
    return { ...two, release: gate.resolve };
  }
  const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

  it("are one search of each engine", async () => {
    using two = gated();
    const all = Array.from({ length: 20 }, () => two.ask());
    await turn();
    two.release();
    const results = await Promise.all(all);
    expect(two.engines.asked).toMatchObject({ keyword: 1, vector: 1 });
    expect(new Set(results.map((result) => JSON.stringify(texts(result)))).size).toBe(1);
  });

  it("are those of one tenant, one request, one state of the collections", async () => {
    using two = gated();
    const values = Float32Array.of(0, 1);
    const { signal } = new AbortController();
    const all = [
      two.ask(),
      two.ask({ query: "other" }),
      two.ask({ vector: { value: { kind: "float32", values }, spaceId: "a".repeat(16) } }),
      two.ask({ vectorWeight: 0.1 }),
      two.search("another tenant", two.request(), { signal, grantMs: 600_000 }),
    ];
    await turn();
    two.engines.collections = [two.collection(4, 4)];
    all.push(two.ask());
    await turn();
    two.release();
    await Promise.all(all);
    expect(two.engines.asked).toMatchObject({ keyword: 6, vector: 6 });
  });

  it("go on for those who stay, and end when the last has left", async () => {
    using two = gated();
    const [first, second] = [new AbortController(), new AbortController()];
    const asked = [first, second].map(({ signal }) => two.ask({}, 600_000, signal));
    const ended = asked.map(failureOf);
    await turn();
    first.abort(new Error("first left"));
    expect(await ended[0]).toMatchObject({ message: "first left" });
    expect(two.engines.signals.some(({ aborted }) => aborted)).toBe(false);
    second.abort(new Error("second left"));
    await ended[1];
    await turn();
    expect(two.engines.signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    expect(two.breakers.map(({ state }) => state)).toEqual(["closed", "closed", "closed", "closed"]);
  });

  it("are not shared by those in a hurry", async () => {
    using two = gated();
    const patient = two.ask();
    const hurried = two.ask({}, 15_000);
    await turn();
    two.release();
    await Promise.all([patient, hurried]);
    expect(two.engines.asked).toMatchObject({ keyword: 2, vector: 2 });
  });
});
