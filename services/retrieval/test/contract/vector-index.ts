import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { EmbeddingSpace } from "../../src/domain/collection.ts";
import { sha256 } from "../../src/domain/passage-content.ts";
import type { Stores } from "../../src/domain/stores.ts";
import type { EncodedVector } from "../../src/domain/vector.ts";
import { cutDocument, never, type OpenSubject, put, type Subject } from "./subject.ts";

const spaceOf = (digit: string, kind: EmbeddingSpace["kind"] = "semantic"): EmbeddingSpace => ({
  id: digit.repeat(16),
  dimensions: 4,
  kind,
  denseWeight: 0.3,
  cacheThreshold: 2,
  model: `model-${digit}`,
});
const vector = (...values: number[]): EncodedVector => ({ kind: "float32", values: Float32Array.from(values) });
const int8 = (scale: number, ...values: number[]): EncodedVector => ({
  kind: "int8",
  values: Int8Array.from(values),
  scale,
});

/** What every vector index promises. */
export function vectorIndexContract(name: string, open: OpenSubject): void {
  describe.each(["semantic", "hashed"] as const)(`vector index: ${name}, %s`, (kind) => {
    let subject: Subject;
    let stores: Stores;
    const [first, second, third] = [spaceOf("1", kind), spaceOf("2", kind), spaceOf("3", kind)];
    beforeEach(async () => {
      subject = await open();
      stores = subject.stores;
    });
    afterEach(() => subject.close());

    const missing = async (space: EmbeddingSpace, more: { documentIds?: string[]; limit?: number } = {}) => {
      const query = {
        collection: "default",
        spaceId: space.id,
        documentIds: [],
        afterPassageId: 0,
        limit: 100,
        ...more,
      };
      return stores.vectors.missing("t", query, never);
    };
    const texts = async (space: EmbeddingSpace) => (await missing(space)).contents.map(({ text }) => text);
    const give = async (space: EmbeddingSpace, vectors: Readonly<Record<string, EncodedVector>>) => {
      const list = Object.entries(vectors).map(([text, value]) => ({ contentHash: sha256(text), vector: value }));
      return stores.vectors.put("t", "default", space, list, never);
    };
    const search = async (space: EmbeddingSpace, query: EncodedVector, limit = 10) => {
      const full = { vector: query, spaceId: space.id, collections: ["default"], filter: undefined, limit };
      return (await stores.vectors.search("t", full, never)).hits;
    };
    const collection = async () => (await stores.records.collections("t", never))[0]!;

    it("lists what has no vector, equal contents once, page by page", async () => {
      await put(stores, "t", ...["가", "나", "다"].map((text) => cutDocument(text, { text })));
      await put(stores, "t", cutDocument("가2", { text: "가" }), cutDocument("라", { title: "제목", text: "라" }));
      expect(await missing(first)).toEqual({
        contents: ["가", "나", "다", "제목\n라"].map((text) => ({ text, contentHash: sha256(text) })),
        nextAfterPassageId: undefined,
      });
      const page = await missing(first, { limit: 2 });
      expect(page.contents).toHaveLength(2);
      const next = { collection: "default", spaceId: first.id, documentIds: [], limit: 2 };
      const rest = await stores.vectors.missing("t", { ...next, afterPassageId: page.nextAfterPassageId! }, never);
      expect(rest.contents.map(({ text }) => text)).toEqual(["다", "제목\n라"]);
      const ofTwo = await missing(first, { documentIds: ["가2", "라", "nobody"] });
      expect(ofTwo.contents.map(({ text }) => text)).toEqual(["가", "제목\n라"]);
      expect((await missing(first, { documentIds: ["nobody"] })).contents).toEqual([]);
      expect(await give(first, { 가: vector(1, 0, 0, 0) })).toEqual({ kind: "stored", count: 2 });
      expect(await texts(first)).toEqual(["나", "다", "제목\n라"]);
    });

    it("finds the nearest, in either encoding, also after opening again", async () => {
      await put(stores, "t", ...["가", "나", "다"].map((text) => cutDocument(text, { text })));
      await give(first, { 가: vector(1, 0, 0, 0), 나: int8(0.01, 100, 100, 0, 0), 다: vector(0, 0, 3, 0) });
      for (const isReopened of [false, true]) {
        if (isReopened) stores = await subject.reopen();
        const hits = await search(first, vector(2, 0, 0, 0));
        expect(hits.map(({ documentId }) => documentId)).toEqual(["가", "나", "다"]);
        [1, Math.SQRT1_2, 0].forEach((cosine, index) => expect(hits[index]!.score).toBeCloseTo(cosine, 2));
        expect(await search(first, int8(1, 0, 0, 5, 0), 1)).toMatchObject([{ documentId: "다" }]);
        expect(await search(second, vector(1, 0, 0, 0))).toEqual([]);
      }
    });

    it("gives the directions of passages' vectors, as far as there are any", async () => {
      await put(stores, "t", ...["가", "나", "다"].map((text) => cutDocument(text, { text })));
      await give(first, { 가: vector(3, 0, 4, 0), 나: int8(0.01, 100, -100, 0, 0) });
      const hits = await search(first, vector(1, 0, 0, 0));
      const idOf = (documentId: string) => hits.find((hit) => hit.documentId === documentId)!.passageId;
      const passageIds = [idOf("나"), idOf("가"), 1_000_000_000];
      const of = (spaceId: string, collections: string[], tenant = "t") =>
        stores.vectors.vectorsOf(tenant, { spaceId, collections, passageIds }, never);
      const found = await of(first.id, ["default", "nowhere"]);
      expect([...found.keys()].sort()).toEqual([idOf("가"), idOf("나")].sort());
      const expected = { 가: [0.6, 0, 0.8, 0], 나: [Math.SQRT1_2, -Math.SQRT1_2, 0, 0] };
      for (const [documentId, components] of Object.entries(expected)) {
        const values = found.get(idOf(documentId))!;
        const length = Math.hypot(...values);
        components.forEach((component, index) => expect(values[index]! / length).toBeCloseTo(component, 2));
      }
      expect((await of(second.id, ["default"])).size).toBe(0);
      expect((await of(first.id, [])).size).toBe(0);
      expect((await of(first.id, ["default"], "u")).size).toBe(0);
    });

    it("drops vectors of content that is no longer there, and makes no space for them", async () => {
      await put(stores, "t", cutDocument("a", { text: "새 글" }));
      expect(await give(first, { "옛 글": vector(1, 0, 0, 0) })).toEqual({ kind: "stored", count: 0 });
      expect((await collection()).active).toBeUndefined();
      expect(await stores.vectors.put("t", "nowhere", first, [], never)).toEqual({ kind: "stored", count: 0 });
    });

    it("keeps vectors of unchanged passages, forgets those of changed ones, and copies those of equal content", async () => {
      const part = (text: string) => `## ${text}\n\n${`${text} 이야기다. `.repeat(140)}`;
      const document = (...parts: string[]) =>
        cutDocument("a", { mediaType: "text/markdown", text: parts.map(part).join("\n\n") });
      await put(stores, "t", document("가나", "다라"));
      const all = (await missing(first)).contents.map(({ contentHash }) => ({
        contentHash,
        vector: vector(1, 1, 0, 0),
      }));
      await stores.vectors.put("t", "default", first, all, never);
      const { passageCount } = await collection();
      await put(stores, "t", document("가나", "마바"));
      const { active, passageCount: now } = await collection();
      expect(now).toBe(passageCount);
      expect(active!.vectorCount).toBeGreaterThan(0);
      expect(active!.vectorCount).toBeLessThan(passageCount);
      const listed = await stores.records.listDocuments(
        "t",
        { filter: undefined, afterId: undefined, limit: 1, maxTextBytes: undefined },
        never,
      );
      expect(listed.documents[0]!.document.vectorCount).toBe(active!.vectorCount);
      const [kept] = (await search(first, vector(1, 1, 0, 0), 1)).map(({ passageId }) => passageId);
      const text = (await stores.records.passages("t", [kept!], never)).get(kept!)!.text;
      await put(stores, "t", cutDocument("copy", { text }));
      expect((await collection()).active!.vectorCount).toBe(active!.vectorCount + 1);
      expect((await search(first, vector(1, 1, 0, 0))).map(({ documentId }) => documentId)).toContain("copy");
    });

    it("builds another space beside the active one, and switches when it is whole", async () => {
      await put(stores, "t", cutDocument("a", { text: "가" }), cutDocument("b", { text: "나" }));
      await give(first, { 가: vector(1, 0, 0, 0), 나: vector(0, 1, 0, 0) });
      await give(second, { 가: vector(0, 0, 1, 0) });
      expect(await collection()).toMatchObject({
        active: { vectorCount: 2 },
        building: { space: second, vectorCount: 1 },
      });
      const activate = (space: EmbeddingSpace) => stores.vectors.activate("t", "default", space.id, never);
      expect(await activate(second)).toEqual({ kind: "incomplete", missingCount: 1 });
      expect(await activate(third)).toEqual({ kind: "not-building" });
      expect(await stores.vectors.activate("t", "nowhere", second.id, never)).toEqual({ kind: "unknown-collection" });
      expect(await search(second, vector(0, 0, 1, 0))).toEqual([]);
      expect(await search(first, vector(1, 0, 0, 0))).toHaveLength(2);
      await give(second, { 나: vector(0, 0, 0, 1) });
      const { recordSeq } = (await collection()).state;
      expect(await activate(second)).toMatchObject({ kind: "active", collection: { active: { space: second } } });
      expect((await collection()).state.recordSeq).toBe(recordSeq + 1);
      expect(await activate(second)).toMatchObject({ kind: "active" });
      stores = await subject.reopen();
      expect(await collection()).toMatchObject({ active: { space: second, vectorCount: 2 }, building: undefined });
      expect((await search(second, vector(0, 0, 0, 1)))[0]).toMatchObject({ documentId: "b" });
      expect(await search(first, vector(1, 0, 0, 0))).toEqual([]);
    });

    it("counts as done what the embedder refuses for good, and takes it back with its vector or its passage", async () => {
      await put(stores, "t", ...["가", "나", "다"].map((text) => cutDocument(text, { text })));
      await put(stores, "t", cutDocument("다2", { text: "다" }));
      await give(first, { 가: vector(1, 0, 0, 0), 나: vector(0, 1, 0, 0) });
      const refuse = (space: EmbeddingSpace, ...refused: string[]) =>
        stores.vectors.refuse("t", "default", space.id, refused.map(sha256), never);
      expect(await refuse(first, "다", "나", "없는 글")).toBe(2);
      expect(await refuse(first, "다")).toBe(2);
      expect(await stores.vectors.refuse("u", "default", first.id, [sha256("다")], never)).toBe(0);
      expect(await stores.vectors.refuse("t", "nowhere", first.id, [sha256("다")], never)).toBe(0);
      for (const isReopened of [false, true]) {
        if (isReopened) stores = await subject.reopen();
        expect((await collection()).active).toMatchObject({ vectorCount: 2, refusedCount: 2 });
        expect(await texts(first)).toEqual([]);
        expect((await missing(first, { documentIds: ["다", "다2"] })).contents).toEqual([]);
      }
      await stores.records.deleteDocuments("t", ["다2"], never);
      expect((await collection()).active).toMatchObject({ vectorCount: 2, refusedCount: 1 });
      await put(stores, "t", cutDocument("다", { text: "라" }));
      expect((await collection()).active).toMatchObject({ vectorCount: 2, refusedCount: 0 });
      expect(await texts(first)).toEqual(["라"]);
      expect(await refuse(first, "라")).toBe(1);
      await give(first, { 라: vector(0, 0, 1, 0) });
      expect((await collection()).active).toMatchObject({ vectorCount: 3, refusedCount: 0 });
    });

    it("lists what is refused as lacking vectors again, where it is to be tried again", async () => {
      const retry = (tenant: string, collection: string) => stores.vectors.retryRefused(tenant, collection, never);
      await put(stores, "t", ...["가", "나", "다", "라"].map((text) => cutDocument(text, { text })));
      await give(first, { 가: vector(1, 0, 0, 0), 라: vector(0, 1, 0, 0) });
      await give(second, { 가: vector(0, 0, 1, 0) });
      const refuse = (space: EmbeddingSpace, ...refused: string[]) =>
        stores.vectors.refuse("t", "default", space.id, refused.map(sha256), never);
      await refuse(first, "나", "다");
      await refuse(second, "다", "라");
      expect([await texts(first), await texts(second)]).toEqual([[], ["나"]]);
      expect([await retry("u", "default"), await retry("t", "nowhere")]).toEqual([0, 0]);
      const { recordSeq } = (await collection()).state;
      expect(await retry("t", "default")).toBe(3);
      for (const isReopened of [false, true]) {
        if (isReopened) stores = await subject.reopen();
        expect(await collection()).toMatchObject({
          state: { recordSeq },
          active: { vectorCount: 2, refusedCount: 0 },
          building: { vectorCount: 1, refusedCount: 0 },
        });
        expect([await texts(first), await texts(second)]).toEqual([
          ["나", "다"],
          ["나", "다", "라"],
        ]);
      }
      expect(await retry("t", "default")).toBe(0);
      // Tried again, one is taken and the other refused once more.
      await give(first, { 나: vector(0, 0, 0, 1) });
      expect(await refuse(first, "다")).toBe(1);
      expect(await texts(first)).toEqual([]);
      expect((await collection()).active).toMatchObject({ vectorCount: 3, refusedCount: 1 });
    });

    it("switches to a space in which the rest is refused, and takes nothing for refused in one without a vector", async () => {
      await put(stores, "t", cutDocument("a", { text: "가" }), cutDocument("b", { text: "나" }));
      const refuse = (space: EmbeddingSpace, ...refused: string[]) =>
        stores.vectors.refuse("t", "default", space.id, refused.map(sha256), never);
      expect(await refuse(first, "가", "나")).toBe(0);
      expect((await collection()).active).toBeUndefined();
      await give(first, { 가: vector(1, 0, 0, 0), 나: vector(0, 1, 0, 0) });
      expect(await refuse(second, "가", "나")).toBe(0);
      await give(second, { 가: vector(0, 0, 1, 0) });
      expect(await stores.vectors.activate("t", "default", second.id, never)).toEqual({
        kind: "incomplete",
        missingCount: 1,
      });
      expect(await refuse(second, "나")).toBe(1);
      expect((await collection()).building).toMatchObject({ vectorCount: 1, refusedCount: 1 });
      expect(await texts(second)).toEqual([]);
      expect(await stores.vectors.activate("t", "default", second.id, never)).toMatchObject({
        kind: "active",
        collection: { active: { space: second, vectorCount: 1, refusedCount: 1 } },
      });
      // What came after is still to be embedded.
      await put(stores, "t", cutDocument("c", { text: "다" }));
      expect(await texts(second)).toEqual(["다"]);
    });

    it("puts a third space in the place of an unfinished second", async () => {
      await put(stores, "t", cutDocument("a", { text: "가" }));
      for (const space of [first, second, third]) await give(space, { 가: vector(1, 0, 0, 0) });
      expect(await collection()).toMatchObject({
        active: { space: first },
        building: { space: third, vectorCount: 1 },
      });
      expect(await texts(second)).toEqual(["가"]);
    });

    it("refuses a known space with other dimensions, and takes a new weight", async () => {
      await put(stores, "t", cutDocument("a", { text: "가" }));
      await give(first, { 가: vector(1, 0, 0, 0) });
      expect(await give({ ...first, dimensions: 5 }, { 가: vector(1, 0, 0, 0, 0) })).toEqual({ kind: "mismatch" });
      await give({ ...first, denseWeight: 0.5 }, { 가: vector(1, 0, 0, 0) });
      expect((await collection()).active).toMatchObject({ space: { denseWeight: 0.5 }, vectorCount: 1 });
    });

    it("filters before it chooses", async () => {
      await put(stores, "t", cutDocument("a", { text: "가" }), cutDocument("b", { text: "나", tags: ["x"] }));
      await give(first, { 가: vector(1, 0, 0, 0), 나: vector(1, 1, 0, 0) });
      const query = { vector: vector(1, 0, 0, 0), spaceId: first.id, collections: ["default"], limit: 1 };
      const { hits } = await stores.vectors.search("t", { ...query, filter: { kind: "tag", tag: "x" } }, never);
      expect(hits).toMatchObject([{ documentId: "b" }]);
      await stores.records.deleteDocuments("t", ["b"], never);
      expect((await search(first, vector(1, 1, 0, 0))).map(({ documentId }) => documentId)).toEqual(["a"]);
    });
  });
}
