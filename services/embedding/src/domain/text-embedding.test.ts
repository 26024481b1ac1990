import { describe, expect, it } from "@jest/globals";
import { createCache } from "@quartet/cache";
import { until } from "@quartet/testing";
import { EmbedderError } from "./embedder-error.ts";
import type { Embedder, EmbeddingSpace, EmbedResult } from "./embedder.ts";
import { type PackedVector, toFloat32 } from "./packed-vector.ts";
import type { SharedVectors, VectorKey } from "./shared-vectors.ts";
import { spaceId } from "./space-id.ts";
import { createTextEmbedding } from "./text-embedding.ts";

const spaceNamed = (id: string, kind: EmbeddingSpace["kind"] = "SEMANTIC"): EmbeddingSpace => ({
  id,
  dimensions: 1,
  kind,
  denseWeight: 0.4,
  cacheThreshold: 2,
  model: id,
});

/** Its vectors are the lengths of the texts; every call is noted. */
function embedderOf(
  space: EmbeddingSpace,
  { known = true, fail = () => false }: { known?: boolean; fail?: () => boolean } = {},
) {
  const calls: string[] = [];
  const embedder: Embedder = {
    knownSpace: known ? space : undefined,
    space: () => {
      calls.push("space");
      return Promise.resolve(space);
    },
    embed: (texts, { purpose }): Promise<EmbedResult> => {
      calls.push(`${purpose} ${texts.join("|")}`);
      if (fail()) return Promise.reject(new Error("down"));
      const vectors = texts.map((text) => ({ vector: Float32Array.of(text.length), truncated: false }));
      return Promise.resolve({ vectors, usage: { inputTokens: texts.length, calls: 1, estimated: false } });
    },
  };
  return { embedder, calls };
}

const newCache = () => createCache<string, PackedVector>({ maxEntries: 100 });
const form = "float32";
const { signal } = new AbortController();
const request = { tenant: "default", purpose: "DOCUMENT", spaceId: "", signal } as const;

/** Vectors as another replica sees them. */
function sharedVectors() {
  const kept = new Map<string, PackedVector>();
  const nameOf = ({ tenant, space, purpose, text }: VectorKey) => [tenant, space.id, purpose, text].join("/");
  const shared: SharedVectors = {
    read: async (keys) => keys.map((key) => kept.get(nameOf(key))),
    write: (key, vector) => void kept.set(nameOf(key), vector),
  };
  return { shared, kept };
}

describe("createTextEmbedding", () => {
  it("asks once for what is not in the cache, and gives everything in order", async () => {
    const { embedder, calls } = embedderOf(spaceNamed("a"));
    const embed = createTextEmbedding({ configured: embedder, others: [], cache: newCache(), form });
    await embed({ ...request, texts: ["bb"] });
    const { embeddings, usage } = await embed({ ...request, texts: ["a", "bb", "a\nc", "a"] });
    expect(calls.slice(-1)).toEqual(["DOCUMENT a|a\nc"]);
    expect(embeddings.map(({ vector, cached }) => [toFloat32(vector)[0], cached])).toEqual([
      [1, false],
      [2, true],
      [3, false],
      [1, true],
    ]);
    expect(usage).toEqual({ inputTokens: 2, calls: 1, estimated: false });
  });

  it("keeps spaces and purposes apart in one cache", async () => {
    const cache = newCache();
    const [one, two] = [embedderOf(spaceNamed("a")), embedderOf(spaceNamed("b"))];
    const embed = createTextEmbedding({ configured: one.embedder, others: [two.embedder], cache, form });
    for (const spaceId of ["a", "b"]) {
      for (const purpose of ["DOCUMENT", "QUERY"] as const) await embed({ ...request, purpose, spaceId, texts: ["x"] });
    }
    expect([one.calls, two.calls]).toEqual([
      ["DOCUMENT x", "QUERY x"],
      ["DOCUMENT x", "QUERY x"],
    ]);
  });

  it("caches no failure, and bills nothing for what the cache gave", async () => {
    let down = true;
    const { embedder, calls } = embedderOf(spaceNamed("a"), { fail: () => down });
    const embed = createTextEmbedding({ configured: embedder, others: [], cache: newCache(), form });
    await expect(embed({ ...request, texts: ["x"] })).rejects.toThrow("down");
    down = false;
    expect((await embed({ ...request, texts: ["x"] })).embeddings[0]!.cached).toBe(false);
    expect((await embed({ ...request, texts: ["x"] })).usage).toBeUndefined();
    expect(calls.filter((call) => call !== "space")).toHaveLength(2);
  });

  it("answers no tenant from what was kept for another", async () => {
    const { embedder, calls } = embedderOf(spaceNamed("a"));
    const { shared } = sharedVectors();
    const embed = createTextEmbedding({ configured: embedder, others: [], cache: newCache(), form, shared });
    const cached: boolean[] = [];
    for (const tenant of ["one", "two", "one"]) {
      cached.push((await embed({ ...request, tenant, texts: ["x"] })).embeddings[0]!.cached);
    }
    expect(cached).toEqual([false, false, true]);
    expect(calls.filter((call) => call !== "space")).toEqual(["DOCUMENT x", "DOCUMENT x"]);
  });

  it("asks the model for what no replica has, and lets the others have it", async () => {
    const { shared, kept } = sharedVectors();
    const [one, two] = [embedderOf(spaceNamed("a")), embedderOf(spaceNamed("a"))];
    const replica = ({ embedder }: typeof one) =>
      createTextEmbedding({ configured: embedder, others: [], cache: newCache(), form, shared });
    await replica(one)({ ...request, texts: ["bb", "한국어".normalize("NFD")] });
    expect([...kept.keys()]).toEqual(["default/a/DOCUMENT/bb", "default/a/DOCUMENT/한국어"]);
    const second = replica(two);
    const { embeddings, usage } = await second({ ...request, texts: ["a", "bb", "ccc", "한국어"] });
    expect(two.calls.slice(-1)).toEqual(["DOCUMENT a|ccc"]);
    expect(embeddings.map(({ vector, cached }) => [toFloat32(vector)[0], cached])).toEqual([
      [1, false],
      [2, true],
      [3, false],
      [3, true],
    ]);
    expect(usage).toMatchObject({ inputTokens: 2 });
    const again = await replica(two)({ ...request, texts: ["a", "bb"] });
    expect(again.usage).toBeUndefined();
    expect(again.embeddings.map(({ cached }) => cached)).toEqual([true, true]);
  });

  it("tells what a call cost once, to whoever hears of its end, also where the one who began it has left", async () => {
    const answers: (() => void)[] = [];
    const { embedder } = embedderOf(spaceNamed("a"));
    const slow: Embedder = {
      ...embedder,
      embed: async (texts, options) => {
        await new Promise<void>((resolve) => answers.push(resolve));
        return embedder.embed(texts, options);
      },
    };
    const embed = createTextEmbedding({ configured: slow, others: [], cache: newCache(), form });
    const first = new AbortController();
    const began = embed({ ...request, texts: ["x", "y"], signal: first.signal });
    const joined = ["x", "y"].map((text) => embed({ ...request, texts: [text] }));
    await until(() => answers.length === 1);
    first.abort(new Error("left"));
    await expect(began).rejects.toThrow("left");
    answers[0]!();
    const usages = (await Promise.all(joined)).map(({ usage }) => usage);
    expect(usages).toEqual([{ inputTokens: 2, calls: 1, estimated: false }, undefined]);
    expect((await embed({ ...request, texts: ["x", "y"] })).usage).toBeUndefined();
  });

  it("fails no request for a text of another, with which its own was on its way, and asks twice at most for what many ask for", async () => {
    const { embedder, calls } = embedderOf(spaceNamed("a"));
    const picky: Embedder = {
      ...embedder,
      embed: async (texts, options) => {
        const result = await embedder.embed(texts, options);
        if (texts.includes("bad")) throw new EmbedderError("LLM_UNAVAILABLE", "refused", { refusesTexts: true });
        return result;
      },
    };
    const embed = createTextEmbedding({ configured: picky, others: [], cache: newCache(), form });
    const asked = [["good", "bad"], ["good"], ["good", "own"]].map((texts) => embed({ ...request, texts }));
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
    calls.length = 0;
    const many = await Promise.allSettled(Array.from({ length: 20 }, () => embed({ ...request, texts: ["bad"] })));
    expect(many.every(({ status }) => status === "rejected")).toBe(true);
    expect(calls.filter((call) => call !== "space")).toHaveLength(2);
  });

  it("shares no vectors of a HASHED space", async () => {
    const { shared, kept } = sharedVectors();
    const { embedder } = embedderOf(spaceNamed("a", "HASHED"));
    await createTextEmbedding({ configured: embedder, others: [], cache: newCache(), form, shared })({
      ...request,
      texts: ["x"],
    });
    expect(kept.size).toBe(0);
  });

  it("finds a known space without asking a model for its own", async () => {
    const model = embedderOf(spaceNamed("model"), { known: false });
    const hashed = embedderOf(spaceNamed("hashed", "HASHED"));
    const embed = createTextEmbedding({
      configured: model.embedder,
      others: [hashed.embedder],
      cache: newCache(),
      form,
    });
    expect((await embed({ ...request, spaceId: "hashed", texts: [] })).space.id).toBe("hashed");
    expect(model.calls).toEqual([]);
    expect((await embed({ ...request, spaceId: "model", texts: [] })).space.id).toBe("model");
    await expect(embed({ ...request, spaceId: "c", texts: [] })).rejects.toMatchObject({
      reason: "EMBEDDING_SPACE_MISMATCH",
    });
  });
});

describe("spaceId", () => {
  const identity = {
    model: "m",
    revision: "1",
    dimensions: 3,
    prefixes: { query: "q", document: "d" },
    normalization: "l2",
  };

  it("is the same for the same, in every process", () => {
    expect(spaceId({ ...identity })).toBe("16b4af370691c5302f8a6102e22cf6c8");
  });

  it("tells apart what is put together differently", () => {
    const others = [
      { ...identity, model: "m1", revision: "" },
      { ...identity, prefixes: { query: "d", document: "q" } },
      { ...identity, prefixes: { query: "qd", document: "" } },
      { ...identity, normalization: "none" },
    ];
    expect(new Set([identity, ...others].map(spaceId)).size).toBe(5);
  });
});
