import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { Entity, Graph, GraphError, Mention, Relation } from "../../src/domain/graph.ts";
import { toGraph } from "../../src/domain/graph.ts";
import type { GraphIndex, GraphQuery } from "../../src/domain/graph-index.ts";
import type { Stores } from "../../src/domain/stores.ts";
import { cutDocument, never, put, type Subject } from "./subject.ts";

/** A subject with a graph. */
export interface GraphSubject extends Subject {
  /** Resolves when all documents have been looked through for all names. */
  settle(): Promise<void>;
}

export const entity = (id: string, fields: Partial<Entity> = {}): Entity => ({
  id,
  name: id,
  kind: "",
  aliases: [],
  ...fields,
});

export const relation = (source: string, kind: string, target: string, weight = 1): Relation => ({
  source,
  target,
  kind,
  weight,
});

export const mention = (entityId: string, documentId: string, span?: Mention["span"]): Mention => ({
  entityId,
  documentId,
  span,
});

/** A small world: who made what, and where. */
const world = {
  entities: [
    entity("ada", { name: "Ada Lovelace", kind: "person", aliases: ["Countess of Lovelace"] }),
    entity("engine", { name: "Analytical Engine", aliases: ["해석기관"] }),
    entity("babbage", { name: "Charles Babbage", aliases: ["배비지"] }),
    entity("london", { name: "London", aliases: ["런던"] }),
    entity("thames", { name: "Thames" }),
  ],
  relations: [
    relation("ada", "wrote about", "engine"),
    relation("babbage", "designed", "engine"),
    relation("babbage", "lived in", "london", 0.75),
    relation("thames", "flows through", "london"),
  ],
  mentions: [],
};

/** What every index of a graph promises. */
export function graphIndexContract(name: string, open: () => Promise<GraphSubject>): void {
  describe(`graph index: ${name}`, () => {
    let subject: GraphSubject;
    let stores: Stores;
    let graph: GraphIndex;
    beforeEach(async () => {
      subject = await open();
      use(subject.stores);
    });
    afterEach(() => subject.close());
    const use = (opened: Stores) => {
      stores = opened;
      graph = opened.graph!;
    };

    const merge = (parts: Partial<Graph>, tenant = "t") =>
      graph.put(tenant, toGraph({ entities: [], relations: [], mentions: [], ...parts }), never);
    const find = async (text: string, more: Partial<GraphQuery> = {}, tenant = "t") => {
      const query = { text, collections: ["default"], filter: undefined, limit: 100, ...more };
      return (await graph.search(tenant, query, never)).hits;
    };
    const found = async (text: string, more: Partial<GraphQuery> = {}, tenant = "t") =>
      (await find(text, more, tenant)).map(({ documentId }) => documentId);
    const refused = (work: Promise<unknown>) =>
      work.then(
        () => undefined,
        (error: GraphError) => error.field,
      );

    it("finds passages by what the question names and what is linked to it, with the way as explanation", async () => {
      await merge(world);
      const texts = {
        a: "Ada Lovelace wrote notes.",
        b: "The Analytical Engine was never built.",
        c: "Charles Babbage was a mathematician.",
        d: "London is a city.",
        e: "The Thames is a river.",
        f: "Nothing of it.",
      };
      await put(stores, "t", ...Object.entries(texts).map(([id, text]) => cutDocument(id, { text })));
      const hits = await find("What did the Countess of Lovelace write about?");
      expect(hits.map(({ documentId, path }) => [documentId, path])).toEqual([
        ["a", ["Ada Lovelace"]],
        ["b", ["Ada Lovelace", "wrote about", "Analytical Engine"]],
        ["c", ["Ada Lovelace", "wrote about", "Analytical Engine", "^designed", "Charles Babbage"]],
      ]);
      expect(hits.map(({ score }) => score)).toEqual(hits.map(({ score }) => score).toSorted((x, y) => y - x));
      expect(hits.every(({ score }) => score > 0)).toBe(true);
      expect((await find("배비지는 어디에 살았나?")).map(({ documentId, path }) => [documentId, path?.at(-1)])).toEqual(
        [
          ["c", "Charles Babbage"],
          ["b", "Analytical Engine"],
          ["d", "London"],
          ["a", "Ada Lovelace"],
          ["e", "Thames"],
        ],
      );
      expect(await found("Who is nobody?")).toEqual([]);
    });

    it("knows nothing where there is no graph", async () => {
      await put(stores, "t", cutDocument("a", { text: "London" }));
      expect(await found("London")).toEqual([]);
      expect([await graph.hasEntities("t", never), await graph.version("t", never)]).toEqual([false, 0]);
      expect(await merge({})).toEqual({ changedCount: 0, waitingDocumentCount: 0 });
      expect(await graph.deleteEntities("t", ["nobody", "a\0b"], never)).toBe(0);
    });

    it("merges: the same again changes nothing, what differs is replaced and counted", async () => {
      expect((await merge(world)).changedCount).toBe(9);
      const version = await graph.version("t", never);
      expect(version).toBeGreaterThan(0);
      expect((await merge(world)).changedCount).toBe(0);
      expect(await graph.version("t", never)).toBe(version);
      const changed = {
        entities: [entity("ada", { name: "Ada King" }), world.entities[1]!],
        relations: [relation("ada", "wrote about", "engine", 0.25), relation("ada", "knew", "babbage")],
        mentions: [mention("ada", "later"), mention("ada", "later", { start: 0, end: 3 })],
      };
      expect((await merge(changed)).changedCount).toBe(5);
      expect((await merge(changed)).changedCount).toBe(0);
      expect(await graph.version("t", never)).toBeGreaterThan(version);
      expect(await graph.hasEntities("t", never)).toBe(true);
    });

    it("takes all or nothing, and names the end that nobody knows", async () => {
      const half = { entities: [entity("x")], relations: [relation("x", "k", "nobody")] };
      expect(await refused(merge(half))).toBe("relations[0].target_entity_id");
      expect(await refused(merge({ entities: [entity("x")], mentions: [mention("y", "d")] }))).toBe(
        "mentions[0].entity_id",
      );
      expect(await graph.hasEntities("t", never)).toBe(false);
      await merge({ entities: [entity("nobody")] });
      expect((await merge(half)).changedCount).toBe(2);
    });

    it("finds names that come after the documents, and after it was opened again", async () => {
      const ids = Array.from({ length: 30 }, (_, index) => `d${String(index).padStart(2, "0")}`);
      await put(stores, "t", ...ids.map((id) => cutDocument(id, { text: `런던에서는 ${id}번째 비가 온다.` })));
      expect((await merge(world)).waitingDocumentCount).toBe(30);
      await subject.settle();
      expect((await merge({})).waitingDocumentCount).toBe(0);
      expect(await found("런던은?")).toEqual(ids);
      use(await subject.reopen());
      expect(await found("런던은?")).toEqual(ids);
      await merge({ entities: [entity("rain", { name: "비" }), entity("third", { name: "d02번째" })] });
      await subject.settle();
      expect(await found("d02번째는?")).toEqual(["d02"]);
    });

    it("follows the documents: what is replaced or deleted is no longer found, what stays is", async () => {
      await merge(world);
      const section = (text: string) => `## Part\n\n${`${text} `.repeat(60)}`;
      const long = (middle: string) =>
        cutDocument("a", {
          text: [section("London calling."), section(middle)].join("\n\n"),
          mediaType: "text/markdown",
        });
      await put(stores, "t", long("The Thames flows."), cutDocument("b", { text: "London" }));
      expect(new Set(await found("the Thames?", { filter: undefined }))).toEqual(new Set(["a", "b"]));
      expect(
        (await find("Thames")).filter(({ path }) => path!.length === 1).map(({ documentId }) => documentId),
      ).toContain("a");
      await put(stores, "t", long("Nothing flows here."));
      expect((await find("Thames")).filter(({ path }) => path!.length === 1)).toEqual([]);
      expect(new Set(await found("London"))).toEqual(new Set(["a", "b"]));
      await stores.records.deleteDocuments("t", ["a"], never);
      expect(await found("London")).toEqual(["b"]);
      await put(stores, "t", cutDocument("a", { title: "London", text: "without the name" }));
      expect(new Set(await found("London"))).toEqual(new Set(["a", "b"]));
    });

    it("follows the entities: other names, names that are shared, and entities that are deleted", async () => {
      await merge(world);
      await put(
        stores,
        "t",
        cutDocument("a", { text: "Lovelace and Byron" }),
        cutDocument("b", { text: "Ada Lovelace" }),
      );
      // The longest name counts, whenever it comes and goes.
      await merge({ entities: [entity("family", { name: "Lovelace" }), entity("byron", { name: "Byron" })] });
      await subject.settle();
      expect(await found("Lovelace?")).toEqual(["a"]);
      await merge({ entities: [entity("ada", { name: "Ada Byron" })] });
      await subject.settle();
      expect(await found("Lovelace?")).toEqual(["a", "b"]);
      expect(await found("Countess of Lovelace?")).toEqual(["a", "b"]);
      await merge({ entities: world.entities });
      await subject.settle();
      expect(await found("Lovelace?")).toEqual(["a"]);
      await merge({ entities: [entity("other", { name: "Byron" })] });
      expect((await find("Byron")).map(({ path }) => path)).toEqual([["Byron"]]);
      expect(await graph.deleteEntities("t", ["byron", "nobody", "byron"], never)).toBe(1);
      expect(await found("Byron")).toEqual(["a"]);
      expect(await graph.deleteEntities("t", ["other", "ada"], never)).toBe(2);
      expect(await found("Byron")).toEqual([]);
      await subject.settle();
      expect(await found("Lovelace")).toEqual(["a", "b"]);
      expect((await merge({ relations: [relation("babbage", "k", "london")] })).changedCount).toBe(1);
      expect(await refused(merge({ relations: [relation("ada", "k", "london")] }))).toBe(
        "relations[0].source_entity_id",
      );
    });

    it("keeps mentions that were given until their document comes, and for the passages that they overlap", async () => {
      const text = `${"가나다라마바사. ".repeat(150)}\n\n${"아자차카타파하. ".repeat(150)}`;
      const whole = cutDocument("later", { text });
      expect(whole.passages.length).toBeGreaterThan(1);
      const last = whole.passages.at(-1)!;
      await merge({
        ...world,
        mentions: [
          mention("ada", "later", { start: last.endOffset - 3, end: last.endOffset }),
          mention("london", "later"),
        ],
      });
      expect(await found("London")).toEqual([]);
      for (let round = 0; round < 2; round += 1) {
        await put(stores, "t", whole);
        const ordinals = async (question: string) =>
          (await find(question)).filter(({ path }) => path!.length === 1).map(({ ordinal }) => ordinal);
        expect(await ordinals("Ada Lovelace")).toEqual([whole.passages.length - 1]);
        expect(await ordinals("London")).toEqual([0]);
        await stores.records.deleteDocuments("t", ["later"], never);
        expect(await found("London")).toEqual([]);
      }
    });

    it("asks only the collections and documents that are asked for, and gives no more than the limit", async () => {
      await merge(world);
      const documents = ["c", "a", "b"].map((id) => cutDocument(id, { text: "London", tags: id === "b" ? ["x"] : [] }));
      await put(stores, "t", ...documents, cutDocument("e", { text: "London", collection: "other" }));
      expect(await found("London")).toEqual(["a", "b", "c"]);
      expect(await found("London", { collections: ["other", "default"] })).toEqual(["a", "b", "c", "e"]);
      expect(await found("London", { collections: ["nowhere"] })).toEqual([]);
      expect(await found("London", { collections: [] })).toEqual([]);
      expect(await found("London", { filter: { kind: "tag", tag: "x" } })).toEqual(["b"]);
      expect(await found("London", { limit: 2 })).toEqual(["a", "b"]);
      expect(await found("London", { limit: 0 })).toEqual([]);
    });

    it("gives its ranking part by part, too", async () => {
      await merge(world);
      const texts = ["London", "Charles Babbage", "London and Thames", "Thames", "London"];
      await put(stores, "t", ...texts.map((text, index) => cutDocument(`d${index}`, { text })));
      const whole = await find("London");
      expect(whole.length).toBe(5);
      const parts = [];
      for (let after; parts.length < 5; after = parts.at(-1))
        parts.push(...(await find("London", { after, limit: 2 })));
      expect(parts).toEqual(whole);
      const some = whole.slice(1, 3).map(({ passageId }) => passageId);
      expect(await find("London", { passageIds: some })).toEqual(whole.slice(1, 3));
    });

    it("walks in circles once, and not further than two relations", async () => {
      const names = ["Aa", "Bb", "Cc", "Dd"];
      const circle = names.map((each, index) => relation(each, "to", names[(index + 1) % names.length]!));
      await merge({
        entities: names.map((each) => entity(each)),
        relations: [...circle, relation("Aa", "self", "Aa")],
      });
      await put(stores, "t", ...names.map((text) => cutDocument(text, { text })));
      const hits = await find("Aa");
      expect(hits.map(({ documentId, path }) => [documentId, path!.length])).toEqual([
        ["Aa", 1],
        ["Bb", 3],
        ["Dd", 3],
        ["Cc", 5],
      ]);
    });

    it("takes hostile names as they are", async () => {
      const names = [
        "'; DROP TABLE document;--",
        "(a+)+$",
        "%_\\ 100%",
        "$1 ${x}",
        "[[:alpha:]] \\b",
        "x".repeat(256),
        "中".repeat(256),
        "__proto__",
      ];
      await merge({ entities: names.map((each, index) => entity(each, { name: each, kind: `k${index}` })) });
      await put(stores, "t", ...names.map((each, index) => cutDocument(`d${index}`, { text: `before ${each} after` })));
      for (const [index, each] of names.entries()) {
        expect([each, await found(`and ${each}?`)]).toEqual([each, [`d${index}`]]);
      }
      expect(await found("a\0b \ud800 London")).toEqual([]);
      expect(await graph.deleteEntities("t", names, never)).toBe(names.length);
    });

    it("keeps entities with many mentions and many relations within bounds", async () => {
      const many = Array.from({ length: 900 }, (_, index) => entity(`n${index}`, { name: `Number${index} of many` }));
      await merge({
        entities: [entity("hub", { name: "Hub" }), ...many],
        relations: many.map(({ id }, index) => relation("hub", "has", id, 1 / (1 + index))),
      });
      await put(stores, "t", ...many.slice(0, 200).map(({ id, name }) => cutDocument(id, { text: name })));
      const hits = await find("Hub");
      // The strongest 64.
      expect(hits.map(({ documentId }) => documentId)).toEqual(many.slice(0, 64).map(({ id }) => id));
    });

    it("tells tenants apart in everything", async () => {
      await merge(world);
      await put(stores, "t", cutDocument("a", { text: "London" }));
      await put(stores, "u", cutDocument("b", { text: "London" }));
      expect(await found("London", {}, "u")).toEqual([]);
      expect(await graph.hasEntities("u", never)).toBe(false);
      expect(await refused(merge({ relations: [relation("ada", "k", "london")] }, "u"))).toBe(
        "relations[0].source_entity_id",
      );
      expect(await graph.deleteEntities("u", ["london"], never)).toBe(0);
      expect((await merge({ entities: [entity("london", { name: "London" })] }, "u")).changedCount).toBe(1);
      await subject.settle();
      expect([await found("London"), await found("London", {}, "u")]).toEqual([["a"], ["b"]]);
    });

    it("ends when told to", async () => {
      const signal = AbortSignal.abort(new Error("left"));
      const query = { text: "London", collections: ["default"], filter: undefined, limit: 10 };
      await merge(world);
      await expect(graph.search("t", query, { signal })).rejects.toThrow("left");
      await expect(graph.put("t", world, { signal })).rejects.toThrow("left");
      await expect(graph.deleteEntities("t", ["ada"], { signal })).rejects.toThrow("left");
      expect(await graph.hasEntities("t", never)).toBe(true);
    });
  });
}
