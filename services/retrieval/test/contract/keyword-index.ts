import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { Filter } from "../../src/domain/filter.ts";
import type { Stores } from "../../src/domain/stores.ts";
import { cutDocument, findByWords, never, type OpenSubject, put, type Subject } from "./subject.ts";

/** What every keyword index promises. */
export function keywordIndexContract(name: string, open: OpenSubject): void {
  describe(`keyword index: ${name}`, () => {
    let subject: Subject;
    let stores: Stores;
    beforeEach(async () => {
      subject = await open();
      stores = subject.stores;
    });
    afterEach(() => subject.close());

    const search = async (text: string, more: { filter?: Filter; limit?: number; collections?: string[] } = {}) => {
      const query = { text, collections: ["default"], filter: undefined, limit: 10, ...more };
      return (await stores.keywords.search("t", query, never)).hits;
    };

    it("finds Korean by pairs of characters and English by stems, titles too", async () => {
      await put(
        stores,
        "t",
        cutDocument("부가세", { title: "부가가치세법", text: "재화의 공급에 붙는다." }),
        cutDocument("cats", { title: "Felines", text: "The cats were sleeping." }),
      );
      expect(await findByWords(stores, "t", "부가가치세가 붙는 재화")).toEqual(["부가세"]);
      expect(await findByWords(stores, "t", "a sleep of feline")).toEqual(["cats"]);
      expect(await findByWords(stores, "t", "the of and")).toEqual([]);
      expect(await findByWords(stores, "t", "+++ *:* (a+)+$")).toEqual([]);
    });

    it("scores as BM25 does: a worked example", async () => {
      await put(
        stores,
        "t",
        cutDocument("a", { text: "apple apple banana" }),
        cutDocument("b", { text: "apple cherry" }),
        cutDocument("c", { text: "cherry cherry cherry banana" }),
      );
      const hits = await search("apple");
      const idf = Math.log(1 + 1.5 / 2.5);
      expect(hits.map(({ documentId }) => documentId)).toEqual(["a", "b"]);
      expect(hits[0]!.score).toBeCloseTo((idf * 2) / (2 + 1.2), 6);
      expect(hits[1]!.score).toBeCloseTo(idf / (1 + 1.2 * (0.25 + 0.75 * (2 / 3))), 6);
    });

    it("orders equal scores by document and gives the best `limit`", async () => {
      await put(stores, "t", ...["c", "a", "d", "b"].map((id) => cutDocument(id, { text: "같은 글" })));
      expect((await search("같은", { limit: 3 })).map(({ documentId }) => documentId)).toEqual(["a", "b", "c"]);
    });

    it("filters before it chooses, and follows every change", async () => {
      const both = (id: string, tags: string[], count: number) =>
        cutDocument(id, { tags, text: "사과 ".repeat(count) + "배 ".repeat(10) });
      await put(stores, "t", both("a", [], 9), both("b", ["x"], 2), both("c", [], 5));
      const filter: Filter = { kind: "tag", tag: "x" };
      const found = async () => (await search("사과", { filter, limit: 1 })).map(({ documentId }) => documentId);
      expect(await found()).toEqual(["b"]);
      await put(stores, "t", both("c", ["x"], 5));
      expect(await found()).toEqual(["c"]);
      await put(stores, "t", both("c", [], 5));
      expect(await found()).toEqual(["b"]);
      await stores.records.deleteDocuments("t", ["b"], never);
      expect(await found()).toEqual([]);
    });

    it("searches the collections it is told to", async () => {
      await put(
        stores,
        "t",
        cutDocument("a", { text: "사과", collection: "one" }),
        cutDocument("b", { text: "사과", collection: "two" }),
      );
      const inOne = await search("사과", { collections: ["one"] });
      expect(inOne.map(({ documentId }) => documentId)).toEqual(["a"]);
      expect(await search("사과", { collections: ["one", "two"] })).toHaveLength(2);
      expect(await search("사과", { collections: [] })).toEqual([]);
    });

    it("ends when told to", async () => {
      const query = { text: "x", collections: ["default"], filter: undefined, limit: 1 };
      const signal = AbortSignal.abort(new Error("left"));
      await expect(stores.keywords.search("t", query, { signal })).rejects.toThrow("left");
    });
  });
}
