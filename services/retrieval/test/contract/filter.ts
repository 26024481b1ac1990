import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { compareCodePoints } from "../../src/domain/code-point-order.ts";
import type { DocumentAttributes } from "../../src/domain/document.ts";
import { type Filter, type FilterField, parseFilterField, type Scalar } from "../../src/domain/filter.ts";
import { compileFilter } from "../../src/domain/filter-match.ts";
import { sha256 } from "../../src/domain/passage-content.ts";
import type { Stores } from "../../src/domain/stores.ts";
import { documentFields, filterArbitrary, strings } from "./filter-samples.ts";
import { cutDocument, type DocumentFields, never, type OpenSubject, put, type Subject } from "./subject.ts";

const word = "공통";
const collections = ["default", "laws", "news"];
const vector = { kind: "float32", values: Float32Array.of(1, 0, 0, 0) } as const;
const space = {
  id: "f".repeat(16),
  dimensions: 4,
  kind: "semantic",
  denseWeight: 0.3,
  cacheThreshold: 2,
  model: "model",
} as const;

/** Where a filter is asked: each gives the IDs of all documents that satisfy it, in any order. */
const ways = {
  record: async ({ records }: Stores, filter: Filter | undefined) => {
    const found: string[] = [];
    for (let afterId: string | undefined; ;) {
      const query = { filter, afterId, limit: 100, maxTextBytes: undefined };
      const page = await records.listDocuments("t", query, never);
      found.push(...page.documents.map(({ document }) => document.id));
      if (page.nextAfterId === undefined) return found;
      afterId = page.nextAfterId;
    }
  },
  keywords: async ({ keywords }: Stores, filter: Filter | undefined) => {
    const { hits } = await keywords.search("t", { text: word, collections, filter, limit: 1_000 }, never);
    return hits.map(({ documentId }) => documentId);
  },
  vectors: async ({ vectors }: Stores, filter: Filter | undefined) => {
    const query = { vector, spaceId: space.id, collections, filter, limit: 1_000 };
    return (await vectors.search("t", query, never)).hits.map(({ documentId }) => documentId);
  },
} as const;

export type FilterWay = keyof typeof ways;

const field = (name: string): FilterField => parseFilterField(name)!;
const text = (value: string): Scalar => ({ kind: "string", value });
const number = (value: number): Scalar => ({ kind: "number", value });
const time = (value: number): Scalar => ({ kind: "time", value });
const equals = (name: string, ...values: Scalar[]): Filter => ({ kind: "equalsAny", field: field(name), values });
const exists = (name: string): Filter => ({ kind: "exists", field: field(name) });
const range = (
  name: string,
  bounds: { min?: Scalar; max?: Scalar; minExclusive?: boolean; maxExclusive?: boolean },
): Filter => ({
  kind: "range",
  field: field(name),
  minExclusive: false,
  maxExclusive: false,
  ...bounds,
});
const tag = (name: string): Filter => ({ kind: "tag", tag: name });
const under = (path: string): Filter => ({ kind: "taxonomyPathPrefix", path });
const none = (...filters: Filter[]): Filter => ({ kind: "noneOf", filters });
const all = (...filters: Filter[]): Filter => ({ kind: "allOf", filters });
const any = (...filters: Filter[]): Filter => ({ kind: "anyOf", filters });

const samples: Readonly<Record<string, DocumentFields>> = {
  부가세: {
    title: "부가가치세법",
    collection: "laws",
    tags: ["세금", "2024"],
    taxonomyPath: "law/tax/vat",
    metadata: { year: 2024, authors: ["김", "Lee"], since: "2024-05-30", draft: false },
  },
  taxes: {
    collection: "laws",
    tags: ["세금"],
    taxonomyPath: "law/taxes",
    metadata: { year: "2024", since: "2024-05-30T08:59:59+09:00" },
  },
  news: { collection: "news", metadata: { year: null, authors: [], deep: { a: 1 }, since: "soon" } },
  '"; DROP TABLE document;--': {
    title: "%_\\",
    tags: ["' OR 1=1 --"],
    metadata: { year: [2023, "2024", [2025]], since: ["x", "2025-01-01"] },
  },
};

const day = Date.UTC(2024, 4, 30);
const cases: readonly (readonly [name: string, filter: Filter, ids: readonly string[]])[] = [
  ["a Korean ID", equals("document_id", text("부가세")), ["부가세"]],
  ["a hostile ID", equals("document_id", text('"; DROP TABLE document;--')), ['"; DROP TABLE document;--']],
  ["a hostile title", equals("title", text("%_\\")), ['"; DROP TABLE document;--']],
  ["a title with a wildcard", equals("title", text("%")), []],
  ["a hostile tag", tag("' OR 1=1 --"), ['"; DROP TABLE document;--']],
  ["a tag", tag("세금"), ["부가세", "taxes"]],
  ["part of a tag", tag("세"), []],
  ["a collection", equals("collection", text("laws")), ["부가세", "taxes"]],
  ["a path", under("law/tax"), ["부가세"]],
  ["a path above", under("law"), ["부가세", "taxes"]],
  ["a number", equals("metadata.year", number(2024)), ["부가세"]],
  ["a string of digits", equals("metadata.year", text("2024")), ["taxes", '"; DROP TABLE document;--']],
  ["an element of a list", equals("metadata.authors", text("Lee")), ["부가세"]],
  ["an element of a list within a list", equals("metadata.year", number(2025)), []],
  ["a truth value", equals("metadata.draft", { kind: "boolean", value: false }), ["부가세"]],
  [
    "one of several values of any type",
    equals("metadata.year", number(2023), text("2024")),
    ["taxes", '"; DROP TABLE document;--'],
  ],
  [
    "a range of numbers",
    range("metadata.year", { min: number(2023), max: number(2024), maxExclusive: true }),
    ['"; DROP TABLE document;--'],
  ],
  ["a range of strings, Hangul above Latin", range("document_id", { min: text("o") }), ["부가세", "taxes"]],
  ["a moment", equals("metadata.since", time(day)), ["부가세"]],
  ["before a moment", range("metadata.since", { max: time(day), maxExclusive: true }), ["taxes"]],
  ["after a moment", range("metadata.since", { min: time(day), minExclusive: true }), ['"; DROP TABLE document;--']],
  ["times of the record", range("create_time", { min: time(0) }), Object.keys(samples)],
  ["a field that is there", exists("metadata.year"), ["부가세", "taxes", '"; DROP TABLE document;--']],
  ["an object as a field", exists("metadata.deep"), []],
  ["an empty title", exists("title"), ["부가세", '"; DROP TABLE document;--']],
  ["a field that nobody has", exists("metadata.constructor"), []],
  ["AND", all(tag("세금"), tag("2024")), ["부가세"]],
  ["OR", any(tag("2024"), equals("collection", text("news"))), ["부가세", "news"]],
  ["NOT, where the field is missing too", none(equals("metadata.year", number(2024), text("2024"))), ["news"]],
  ["NOT of NOT", none(none(tag("2024"))), ["부가세"]],
];

/** What every engine promises of filters: the same answers, to the letter. `asked` names the ports that are asked. */
export function filterContract(name: string, open: OpenSubject, asked: readonly FilterWay[]): void {
  const fill = async (stores: Stores, documents: readonly (readonly [id: string, fields: DocumentFields])[]) => {
    const cut = documents.map(([id, fields]) => cutDocument(id, { ...fields, text: word }));
    const { results } = await put(stores, "t", ...cut);
    expect(results.filter(({ outcome }) => outcome !== "created")).toEqual([]);
    if (!asked.includes("vectors")) return;
    for (const collection of collections) {
      // The title is a part of what a vector is made of.
      const contents = new Set(
        documents.map(([, { title = "" }]) => (title === "" ? word : `${title}\n${word}`.normalize("NFC"))),
      );
      const vectors = [...contents].map((content) => ({ contentHash: sha256(content), vector }));
      await stores.vectors.put("t", collection, space, vectors, never);
    }
  };

  describe.each(asked)(`filters: ${name}, asked of its %s`, (way) => {
    let subject: Subject;
    const find = async (filter: Filter | undefined) =>
      (await ways[way](subject.stores, filter)).sort(compareCodePoints);

    describe("one by one", () => {
      beforeAll(async () => {
        subject = await open();
        await fill(subject.stores, Object.entries(samples));
      });
      afterAll(() => subject.close());

      it.each(cases)("%s", async (_, filter, ids) => {
        expect(await find(filter)).toEqual([...ids].sort(compareCodePoints));
      });
    });

    it("gives what the plain reading of the rules gives, whatever the documents and the filter", async () => {
      subject = await open();
      try {
        const fields = fc.sample(documentFields, { numRuns: 60, seed: 1 });
        await fill(
          subject.stores,
          fields.map((each, index) => [`${strings[index % strings.length]!}/${index}`, each]),
        );
        const stored: DocumentAttributes[] = [];
        for (const id of await ways.record(subject.stores, undefined)) {
          const query = {
            filter: equals("document_id", text(id)),
            afterId: undefined,
            limit: 1,
            maxTextBytes: undefined,
          };
          stored.push((await subject.stores.records.listDocuments("t", query, never)).documents[0]!.document);
        }
        expect(stored).toHaveLength(fields.length);
        await fc.assert(
          fc.asyncProperty(filterArbitrary(stored), async (filter) => {
            const expected = stored.filter(compileFilter(filter)).map(({ id }) => id);
            expect(await find(filter)).toEqual(expected.sort(compareCodePoints));
          }),
          { numRuns: 300 },
        );
      } finally {
        await subject.close();
      }
    }, 60_000);
  });
}
