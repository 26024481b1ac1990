import { expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  compareCounts,
  type CountQuery,
  type DocumentCount,
  type Facet,
  facetValues,
  hasPrefix,
} from "../../src/domain/document-counts.ts";
import { compileFilter } from "../../src/domain/filter-match.ts";
import type { Stores } from "../../src/domain/stores.ts";
import { documentFields, filterArbitrary } from "./filter-samples.ts";
import { cutDocument, never, put } from "./subject.ts";

const all: CountQuery = { facet: "tag", prefix: "", filter: undefined, after: undefined, limit: 1_000 };

const counts = async (stores: Stores, query: Partial<CountQuery> = {}): Promise<string[]> =>
  (await stores.records.countDocuments("t", { ...all, ...query }, never)).counts.map(
    ({ value, documentCount }) => `${value} ${documentCount}`,
  );

/** How every record store counts documents by facet. */
export function documentCountTests(current: () => Stores): void {
  it("counts documents by tag, most first, then by code points", async () => {
    const stores = current();
    const tags = [["세금", "b"], ["세금", "a", "\uff21"], ["😀", "a"], []];
    await put(stores, "t", ...tags.map((each, index) => cutDocument(`d${index}`, { tags: each })));
    await put(stores, "other", cutDocument("d", { tags: ["a"] }));
    expect(await counts(stores)).toEqual(["a 2", "세금 2", "b 1", "\uff21 1", "😀 1"]);
    expect(await counts(stores, { prefix: "세" })).toEqual(["세금 2"]);
    expect(await counts(stores, { prefix: "%" })).toEqual([]);
    expect(await counts(stores, { filter: { kind: "tag", tag: "a" } })).toEqual(["a 2", "세금 1", "\uff21 1", "😀 1"]);
    await stores.records.deleteDocuments("t", ["d1"], never);
    expect(await counts(stores)).toEqual(["a 1", "b 1", "세금 1", "😀 1"]);
    expect((await stores.records.countDocuments("nobody", all, never)).counts).toEqual([]);
  });

  it("counts a document for its taxonomy path and those above", async () => {
    const stores = current();
    const paths = ["law/tax/vat", "law/tax", "law/taxes", "lawyers", ""];
    await put(stores, "t", ...paths.map((taxonomyPath, index) => cutDocument(`d${index}`, { taxonomyPath })));
    const facet = "taxonomyPath" as const;
    expect(await counts(stores, { facet })).toEqual([
      "law 3",
      "law/tax 2",
      "law/tax/vat 1",
      "law/taxes 1",
      "lawyers 1",
    ]);
    expect(await counts(stores, { facet, prefix: "law" })).toEqual([
      "law 3",
      "law/tax 2",
      "law/tax/vat 1",
      "law/taxes 1",
    ]);
    expect(await counts(stores, { facet, prefix: "law/tax" })).toEqual(["law/tax 2", "law/tax/vat 1"]);
    expect(await counts(stores, { facet, prefix: "la" })).toEqual([]);
  });

  it("counts page by page, from any place", async () => {
    const stores = current();
    await put(stores, "t", ...["a", "b", "c"].map((tag, index) => cutDocument(`d${index}`, { tags: [tag, "all"] })));
    const seen: DocumentCount[] = [];
    for (let after: DocumentCount | undefined; ;) {
      const page = await stores.records.countDocuments("t", { ...all, after, limit: 2 }, never);
      seen.push(...page.counts);
      if (page.next === undefined) break;
      after = page.next;
    }
    expect(seen.map(({ value, documentCount }) => `${value} ${documentCount}`)).toEqual(["all 3", "a 1", "b 1", "c 1"]);
    expect(await counts(stores, { after: { value: "a\0", documentCount: 1 } })).toEqual(["b 1", "c 1"]);
  });

  it("counts what a filter lets through, whatever it is", async () => {
    const stores = current();
    const documents = fc
      .sample(documentFields, { numRuns: 40, seed: 5 })
      .map((fields, index) =>
        cutDocument(`d${index}`, { ...fields, taxonomyPath: ["a", "a/b", "a/b/c", ""][index % 4]! }),
      );
    await put(stores, "t", ...documents);
    const listed = await stores.records.listDocuments(
      "t",
      { filter: undefined, afterId: undefined, limit: 1_000, maxTextBytes: undefined },
      never,
    );
    const expected = (
      facet: Facet,
      prefix: string,
      matches: (document: (typeof listed.documents)[0]["document"]) => boolean,
    ) => {
      const tally = new Map<string, number>();
      for (const { document } of listed.documents.filter((each) => matches(each.document))) {
        for (const value of facetValues(facet, document)) tally.set(value, (tally.get(value) ?? 0) + 1);
      }
      return [...tally]
        .map(([value, documentCount]) => ({ value, documentCount }))
        .filter(({ value }) => hasPrefix(facet, value, prefix))
        .sort(compareCounts)
        .map(({ value, documentCount }) => `${value} ${documentCount}`);
    };
    const facets = fc.constantFrom<Facet>("tag", "taxonomyPath");
    const filters = filterArbitrary(listed.documents.map(({ document }) => document));
    const property = fc.asyncProperty(
      facets,
      fc.constantFrom("", "a", "a/b"),
      filters,
      async (facet, prefix, filter) => {
        expect(await counts(stores, { facet, prefix, filter })).toEqual(expected(facet, prefix, compileFilter(filter)));
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });
}
