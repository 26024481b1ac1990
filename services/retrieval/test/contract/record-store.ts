import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { Filter } from "../../src/domain/filter.ts";
import type { Stores } from "../../src/domain/stores.ts";
import { documentCountTests } from "./document-counts.ts";
import { cutDocument, findByWords, never, type OpenSubject, put, type Subject } from "./subject.ts";

const everything = { filter: undefined, afterId: undefined, limit: 100, maxTextBytes: undefined };
const ids = async (stores: Stores, tenant: string, filter?: Filter) =>
  (await stores.records.listDocuments(tenant, { ...everything, filter }, never)).documents.map(
    ({ document }) => document.id,
  );

/** What every record store promises. */
export function recordStoreContract(name: string, open: OpenSubject): void {
  describe(`record store: ${name}`, () => {
    let subject: Subject;
    let stores: Stores;
    beforeEach(async () => {
      subject = await open();
      stores = subject.stores;
    });
    afterEach(() => subject.close());

    it("creates, leaves unchanged, replaces, and counts each change once", async () => {
      const first = await put(stores, "t", cutDocument("a", { text: "one" }), cutDocument("b", { text: "two" }));
      expect(first.results).toEqual([
        { outcome: "created", version: 1 },
        { outcome: "created", version: 1 },
      ]);
      expect(first.collections).toEqual([{ collection: "default", recordSeq: 2, projectedSeq: 2 }]);
      const again = await put(stores, "t", cutDocument("a", { text: "one" }));
      expect(again).toEqual({ results: [{ outcome: "unchanged", version: 1 }], collections: [] });
      const changed = await put(stores, "t", cutDocument("a", { text: "one", tags: ["x"] }));
      expect(changed.results).toEqual([{ outcome: "replaced", version: 2 }]);
      expect((await stores.records.versions("t", ["a", "nobody"], never)).get("a")!.version).toBe(2);
      expect(await stores.records.collections("t", never)).toMatchObject([
        { state: { recordSeq: 3 }, documentCount: 2, passageCount: 2 },
      ]);
    });

    it("keeps what was given, times from the first put and the last change, also after opening again", async () => {
      const fields = {
        title: "부가세",
        text: "😀 본문",
        tags: ["세금", "2024"],
        taxonomyPath: "law/tax",
        metadata: { year: 2024, constructor: ["a", null], nested: { deep: true } },
        collection: "laws",
      };
      await put(stores, "t", cutDocument("문서/1", { ...fields, tags: [] }));
      const [before] = (await stores.records.listDocuments("t", everything, never)).documents;
      await put(stores, "t", cutDocument("문서/1", fields));
      for (const isReopened of [false, true]) {
        if (isReopened) stores = await subject.reopen();
        const page = await stores.records.listDocuments("t", { ...everything, maxTextBytes: 1_000 }, never);
        const { document, text } = page.documents[0]!;
        const { text: given, ...kept } = fields;
        expect(document).toMatchObject({ id: "문서/1", ...kept, version: 2, passageCount: 1, language: "ko" });
        expect(document.mediaType).toBe("text/plain");
        expect(document.createTimeMs).toBe(before!.document.createTimeMs);
        expect(document.updateTimeMs).toBeGreaterThanOrEqual(document.createTimeMs);
        expect(text).toBe(given);
        expect(await findByWords(stores, "t", "본문")).toEqual(["문서/1"]);
      }
    });

    it("takes hostile strings as they are", async () => {
      const hostile = [
        "'; DROP TABLE document;--",
        "../../etc/passwd",
        '{"$ne": 1}',
        "%_\\",
        "__proto__",
        "\ud83d\ude00",
      ];
      await put(stores, "t", ...hostile.map((id) => cutDocument(id, { title: id, tags: [id], text: `${id} x` })));
      expect(new Set(await ids(stores, "t"))).toEqual(new Set(hostile));
      for (const id of hostile) expect(await ids(stores, "t", { kind: "tag", tag: id })).toEqual([id]);
      expect(await stores.records.deleteDocuments("t", ["' OR 1=1 --"], never)).toBe(0);
    });

    it("finds nothing under an ID that none can have", async () => {
      await put(stores, "t", cutDocument("a"), cutDocument("b"));
      expect(await stores.records.versions("t", ["a\0b", "a"], never)).toHaveProperty("size", 1);
      expect(await stores.records.deleteDocuments("t", ["a\0b"], never)).toBe(0);
      const page = await stores.records.listDocuments("t", { ...everything, afterId: "a\0b" }, never);
      expect(page.documents.map(({ document }) => document.id)).toEqual(["b"]);
      expect(await stores.records.passages("t", [Number.MAX_SAFE_INTEGER], never)).toEqual(new Map());
    });

    it("lists by code points, page by page, with text up to a bound", async () => {
      const names = ["b", "a", "\uff21", "😀", "가"];
      await put(stores, "t", ...names.map((id) => cutDocument(id, { text: `text of ${id}` })));
      const sorted = ["a", "b", "가", "\uff21", "😀"];
      const seen: string[] = [];
      for (let afterId: string | undefined; ;) {
        const page = await stores.records.listDocuments("t", { ...everything, afterId, limit: 2 }, never);
        seen.push(...page.documents.map(({ document }) => document.id));
        if (page.nextAfterId === undefined) break;
        afterId = page.nextAfterId;
      }
      expect(seen).toEqual(sorted);
      const bounded = await stores.records.listDocuments("t", { ...everything, maxTextBytes: 1 }, never);
      expect(bounded).toMatchObject({ documents: [{ text: "text of a" }], nextAfterId: "a" });
    });

    it("lists what a filter lets through, and finds one by its ID", async () => {
      const number = (n: number) => cutDocument(`d${n}`, { metadata: { n }, tags: n % 2 === 0 ? ["even"] : [] });
      await put(stores, "t", ...Array.from({ length: 6 }, (_, n) => number(n)));
      expect(await ids(stores, "t", { kind: "tag", tag: "even" })).toEqual(["d0", "d2", "d4"]);
      const byId = (...values: string[]): Filter => ({
        kind: "equalsAny",
        field: { kind: "attribute", name: "document_id" },
        values: values.map((value) => ({ kind: "string", value })),
      });
      expect(await ids(stores, "t", byId("d3", "nobody", "d1"))).toEqual(["d1", "d3"]);
      expect(
        await ids(stores, "t", { kind: "allOf", filters: [byId("d3", "d2"), { kind: "tag", tag: "even" }] }),
      ).toEqual(["d2"]);
    });

    it("deletes with all that hangs on it", async () => {
      await put(stores, "t", cutDocument("a", { text: "고양이" }), cutDocument("b", { text: "고양이" }));
      expect(await stores.records.deleteDocuments("t", ["a", "a", "nobody"], never)).toBe(1);
      expect(await ids(stores, "t")).toEqual(["b"]);
      expect(await findByWords(stores, "t", "고양이")).toEqual(["b"]);
      expect(await stores.records.collections("t", never)).toMatchObject([
        { state: { recordSeq: 3 }, documentCount: 1, passageCount: 1 },
      ]);
      stores = await subject.reopen();
      expect(await ids(stores, "t")).toEqual(["b"]);
    });

    it("moves a document to another collection, and both have changed", async () => {
      await put(stores, "t", cutDocument("a", { collection: "old" }));
      const moved = await put(stores, "t", cutDocument("a", { collection: "new" }));
      expect(new Set(moved.collections)).toEqual(
        new Set([
          { collection: "new", recordSeq: 1, projectedSeq: 1 },
          { collection: "old", recordSeq: 2, projectedSeq: 2 },
        ]),
      );
      expect(await stores.records.collections("t", never)).toMatchObject([
        { state: { collection: "new" }, documentCount: 1, passageCount: 1 },
        { state: { collection: "old" }, documentCount: 0, passageCount: 0 },
      ]);
    });

    it("tells tenants apart in everything", async () => {
      await put(stores, "t", cutDocument("a", { text: "우리 비밀" }));
      await put(stores, "u", cutDocument("a", { text: "너희 비밀" }), cutDocument("b"));
      expect(await ids(stores, "t")).toEqual(["a"]);
      const query = { text: "비밀", collections: ["default"], filter: undefined, limit: 10 };
      const { hits } = await stores.keywords.search("u", query, never);
      const found = hits.map(({ passageId }) => passageId);
      expect(await stores.records.passages("t", found, never)).toEqual(new Map());
      const passages = await stores.records.passages("u", found, never);
      expect([...passages.values()].map(({ text }) => text)).toEqual(["너희 비밀"]);
      expect(await stores.records.deleteDocuments("t", ["b"], never)).toBe(0);
      expect(await ids(stores, "nobody")).toEqual([]);
    });

    it("replaces at once: passages that are gone are not found, those that stay keep their place", async () => {
      const part = (name: string) => `## ${name}\n\n${`${name}에 대한 글이다. `.repeat(90)}`;
      const text = ["가나", "다라", "마바"].map(part).join("\n\n");
      const fields = { mediaType: "text/markdown" };
      await put(stores, "t", cutDocument("a", { ...fields, text }));
      const before = (await stores.records.collections("t", never))[0]!.passageCount;
      expect(before).toBeGreaterThan(2);
      await put(stores, "t", cutDocument("a", { ...fields, text: text.replaceAll("다라", "사아") }));
      expect(await findByWords(stores, "t", "다라")).toEqual([]);
      expect(new Set(await findByWords(stores, "t", "사아"))).toEqual(new Set(["a"]));
      const query = { text: "마바", collections: ["default"], filter: undefined, limit: 10 };
      const { hits } = await stores.keywords.search("t", query, never);
      const passages = await stores.records.passages(
        "t",
        hits.map(({ passageId }) => passageId),
        never,
      );
      for (const passage of passages.values()) {
        expect(passage.document.version).toBe(2);
        expect(passage.text).toContain("마바");
      }
      const page = await stores.records.listDocuments("t", { ...everything, maxTextBytes: 1e6 }, never);
      const stored = [...page.documents[0]!.text!];
      for (const { startOffset, endOffset, text: slice } of passages.values()) {
        expect(stored.slice(startOffset, endOffset).join("")).toBe(slice);
      }
    });

    documentCountTests(() => stores);

    it("ends when told to", async () => {
      const signal = AbortSignal.abort(new Error("left"));
      await expect(stores.records.putDocuments("t", [cutDocument("a")], { signal })).rejects.toThrow("left");
      expect(await ids(stores, "t")).toEqual([]);
    });
  });
}
