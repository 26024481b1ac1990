import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { type FakeReranker, startFakeReranker } from "@quartet/testing";
import { inspect } from "node:util";
import type { RerankQuery } from "../../domain/reranker.ts";
import { StoreBusyError, StoreRefusedError, StoreUnavailableError } from "../../domain/store-errors.ts";
import { createHttpReranker, type HttpReranker, type HttpRerankerOptions } from "./http-reranker.ts";

const key = "sk-canary-rerank";
const query: RerankQuery = {
  tenant: "t",
  text: "연차는 며칠인가",
  vector: undefined,
  fusion: "convex",
  collections: [],
  candidates: [
    { passageId: 11, title: "", text: "아주 길고 상관없는 문단이다.", score: 0.9 },
    { passageId: 12, title: "", text: "연차는 15일이다.", score: 0.5 },
  ],
};

describe("a reranker behind HTTP", () => {
  let fake: FakeReranker;
  const made: HttpReranker[] = [];
  beforeEach(async () => {
    fake = await startFakeReranker();
  });
  afterEach(async () => {
    await Promise.all(made.splice(0).map((reranker) => reranker.close()));
    await fake.close();
  });

  const create = (options: Partial<HttpRerankerOptions> = {}) => {
    const reranker = createHttpReranker({
      url: fake.cohereUrl,
      form: "cohere",
      model: "m",
      apiKey: key,
      maxCandidates: 32,
      ...options,
    });
    made.push(reranker);
    return reranker;
  };
  const signal = new AbortController().signal;
  const failure = async (reranker: HttpReranker): Promise<Error> => {
    const error: unknown = await reranker.rerank(query, { signal }).then(
      () => expect("no error").toBe("an error"),
      (reason: unknown) => reason,
    );
    return error as Error;
  };

  it.each(["cohere", "jina", "tei"] as const)("asks an endpoint of the form %s", async (form) => {
    const url = { cohere: fake.cohereUrl, jina: fake.jinaUrl, tei: fake.teiUrl }[form];
    fake.set({ score: (text, asked) => (text.includes("연차") && asked.includes("연차") ? 0.75 : 0.125) });
    expect(await create({ url, form }).rerank(query, { signal })).toEqual([
      { passageId: 11, score: 0.125 },
      { passageId: 12, score: 0.75 },
    ]);
    expect(fake.requests).toMatchObject([{ path: new URL(url).pathname, key, body: { query: query.text } }]);
  });

  it("sends no key where there is none", async () => {
    await create({ apiKey: undefined }).rerank(query, { signal });
    expect(fake.requests[0]!.key).toBe("");
  });

  it("is another one where address, form, model or how many it orders are", () => {
    const others = [create({ model: "n" }), create({ url: fake.jinaUrl }), create({ form: "jina" })];
    const all = [create(), create({ apiKey: "other" }), create({ maxCandidates: 16 }), ...others];
    expect(new Set(all.map(({ id }) => id)).size).toBe(5);
    expect(create().id).not.toContain("127.0.0.1");
  });

  it.each<[number, new (...given: never[]) => Error]>([
    [400, StoreRefusedError],
    [401, StoreUnavailableError],
    [404, StoreUnavailableError],
    [413, StoreRefusedError],
    [422, StoreRefusedError],
    [429, StoreUnavailableError],
    [500, StoreUnavailableError],
    [503, StoreUnavailableError],
  ])("says what HTTP %i means, asks once, and shows neither key nor address", async (status, type) => {
    fake.set({ status });
    const error = await failure(create());
    expect(error).toBeInstanceOf(type);
    expect(inspect(error)).toContain(`HTTP ${status}`);
    expect(inspect(error)).not.toMatch(/canary|127\.0\.0\.1/);
    expect(fake.requests).toHaveLength(1);
  });

  it.each([
    ["breaks off", { cut: true }, StoreUnavailableError],
    ["is no JSON", { text: "<!doctype html><title>Gateway" }, Error],
    ["has no end", { endless: true }, Error],
    ["leaves passages out", { results: (all: readonly unknown[]) => all.slice(1) }, Error],
    ["names a passage twice", { results: (all: readonly unknown[]) => all.map(() => all[0]) }, Error],
  ])("refuses a reply that %s", async (_, behaviour, type) => {
    fake.set(behaviour);
    const error = await failure(create());
    expect(error).toBeInstanceOf(type);
    expect(error.message).toMatch(/the reranker (could not be asked|answered with .*QUARTET_RERANK_URL)/);
    expect(inspect(error)).not.toMatch(/canary|127\.0\.0\.1/);
  });

  it("says that nobody listens, and not where", async () => {
    const { cohereUrl: url } = fake;
    await fake.close();
    const error = await failure(create({ url }));
    fake = await startFakeReranker();
    expect(inspect(error)).toContain("ECONNREFUSED");
    expect(inspect(error)).not.toContain("127.0.0.1");
  });

  it("leaves an endpoint alone for as long as it asks, and no longer than a minute", async () => {
    let now = 0;
    const reranker = create({ nowMs: () => now });
    fake.set({ status: 429, headers: { "retry-after": "2" } });
    expect(await failure(reranker)).toBeInstanceOf(StoreUnavailableError);
    now = 1_999;
    expect(await failure(reranker)).toBeInstanceOf(StoreBusyError);
    expect(fake.requests).toHaveLength(1);
    now = 2_000;
    fake.set({ status: 503, headers: { "retry-after": "86400" } });
    await failure(reranker);
    expect(fake.requests).toHaveLength(2);
    now = 61_999;
    expect(await failure(reranker)).toBeInstanceOf(StoreBusyError);
    now = 62_000;
    fake.set({});
    expect(await reranker.rerank(query, { signal })).toHaveLength(2);
  });

  it("leaves with the caller, and closes the connection", async () => {
    fake.set({ hang: true });
    const caller = new AbortController();
    const asked = create().rerank(query, { signal: caller.signal });
    const ended = expect(asked).rejects.toThrow("left");
    while (fake.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    caller.abort(new Error("left"));
    await ended;
    await fake.requests[0]!.closed;
  });
});
