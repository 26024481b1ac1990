import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { createDocumentCache } from "../src/adapters/document-cache/document-cache.ts";
import type { CountQuery } from "../src/domain/document-counts.ts";
import type { Filter } from "../src/domain/filter.ts";
import type { RecordStore } from "../src/domain/record-store.ts";
import { cutDocument, never } from "./contract/subject.ts";
import { createMemoryRecord } from "./memory-record.ts";

const tags: CountQuery = { facet: "tag", prefix: "", filter: undefined, after: undefined, limit: 10 };
const tagged = (tag: string): Filter => ({ kind: "tag", tag });
const inCollection = (value: string): Filter => ({
  kind: "equalsAny",
  field: { kind: "attribute", name: "collection" },
  values: [{ kind: "string", value }],
});
const listed = (filter: Filter | undefined) => ({ filter, afterId: undefined, limit: 100, maxTextBytes: undefined });

/** A record that tells how often it was asked, and caches of two processes over it. */
function openRecord() {
  const { records } = createMemoryRecord();
  const asked = { listDocuments: 0, countDocuments: 0 };
  const counted: { -readonly [Name in keyof RecordStore]: RecordStore[Name] } = {
    ...records,
    listDocuments: (...call) => (asked.listDocuments++, records.listDocuments(...call)),
    countDocuments: (...call) => (asked.countDocuments++, records.countDocuments(...call)),
  };
  const open = (more: object = {}) =>
    createDocumentCache({ stores: { records: counted }, maxEntries: 100, maxBytes: 1024 ** 2, ...more });
  return { records, counted, asked, open };
}

describe("document cache", () => {
  it("asks the record once, until a collection that counts has changed", async () => {
    const { records, asked, open } = openRecord();
    const cache = open();
    const put = (id: string, collection: string) =>
      records.putDocuments("t", [cutDocument(id, { collection, tags: ["세금"] })], never);
    await put("a", "laws");
    const query = { ...tags, filter: inCollection("laws") };
    for (let turn = 0; turn < 3; turn += 1) {
      expect((await cache.records.countDocuments("t", query, never)).counts).toEqual([
        { value: "세금", documentCount: 1 },
      ]);
    }
    await put("b", "news");
    await cache.records.countDocuments("t", query, never);
    expect(asked.countDocuments).toBe(1);
    await put("c", "laws");
    expect((await cache.records.countDocuments("t", query, never)).counts[0]?.documentCount).toBe(2);
    expect(asked.countDocuments).toBe(2);
    expect(cache.figures()).toMatchObject({ level: "documents", hits: 3, misses: 2, invalidations: 1, entries: 1 });
  });

  it("keeps lists that are looked for, and neither texts nor what is found by ID", async () => {
    const { records, asked, open } = openRecord();
    const { records: cached } = open();
    await records.putDocuments("t", [cutDocument("a", { tags: ["x"] })], never);
    const byId: Filter = {
      kind: "equalsAny",
      field: { kind: "attribute", name: "document_id" },
      values: [{ kind: "string", value: "a" }],
    };
    const queries = [
      listed(tagged("x")),
      listed(undefined),
      listed(byId),
      { ...listed(tagged("x")), maxTextBytes: 10 },
    ];
    for (const query of queries) for (const _ of [1, 2]) await cached.listDocuments("t", query, never);
    expect(asked.listDocuments).toBe(1 + 2 + 2 + 2);
  });

  it("joins equal questions, tells tenants apart, and keeps no failure", async () => {
    const { counted, asked } = openRecord();
    let fails = true;
    const records: RecordStore = {
      ...counted,
      countDocuments: async (...call) => {
        const answer = await counted.countDocuments(...call);
        if (fails) throw new Error("down");
        return answer;
      },
    };
    const cache = createDocumentCache({ stores: { records }, maxEntries: 10, maxBytes: 1024 ** 2 });
    const count = (tenant: string) => cache.records.countDocuments(tenant, tags, never);
    const both = await Promise.allSettled([count("t"), count("t")]);
    expect([both.map(({ status }) => status), asked.countDocuments]).toEqual([["rejected", "rejected"], 1]);
    fails = false;
    await Promise.all([count("t"), count("t"), count("u")]);
    expect([asked.countDocuments, cache.figures().coalesced]).toEqual([3, 2]);
  });

  it("takes nobody's time for another's hurry", async () => {
    const { records, counted, asked, open } = openRecord();
    await records.putDocuments("t", [cutDocument("a", { tags: ["x"] })], never);
    const begun = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const { countDocuments } = counted;
    counted.countDocuments = async (tenant, query, options) => {
      begun.resolve();
      await goOn.promise;
      if (options.timeoutMs !== undefined) throw new Error("too late");
      return countDocuments(tenant, query, options);
    };
    const { records: cached } = open();
    const caller = new AbortController();
    const hurried = cached.countDocuments("t", tags, { signal: caller.signal, timeoutMs: 50 });
    await begun.promise;
    const patient = cached.countDocuments("t", tags, never);
    caller.abort(new Error("out of time"));
    await expect(hurried).rejects.toThrow("out of time");
    goOn.resolve();
    expect((await patient).counts).toHaveLength(1);
    expect(asked.countDocuments).toBe(1);
  });

  it("lets go what a pattern picks, of that tenant alone", async () => {
    const { records, open } = openRecord();
    const cache = open();
    for (const tenant of ["t", "u"]) {
      await records.putDocuments(tenant, [cutDocument("a", { collection: "laws", tags: ["x"] })], never);
      await cache.records.countDocuments(tenant, tags, never);
      await cache.records.countDocuments(tenant, { ...tags, facet: "taxonomyPath" }, never);
    }
    expect(cache.invalidate({ tenant: "t", keyPattern: "tags:laws@*" })).toBe(1);
    expect(cache.invalidate({ tenant: "t", keyPattern: "" })).toBe(1);
    expect(cache.figures().entries).toBe(2);
  });

  it("is bounded", async () => {
    const { open } = openRecord();
    const cache = open({ maxEntries: 3 });
    for (let limit = 1; limit <= 10; limit += 1) await cache.records.countDocuments("t", { ...tags, limit }, never);
    expect(cache.figures()).toMatchObject({ entries: 3, evictions: 7 });
  });

  it("an answer that was asked for before a change is not given after it", async () => {
    const { records, counted } = openRecord();
    let release = () => {};
    const slow: RecordStore = {
      ...counted,
      countDocuments: async (...call) => {
        const answer = await counted.countDocuments(...call);
        await new Promise<void>((resolve) => (release = resolve));
        return answer;
      },
    };
    const { records: cached } = createDocumentCache({ stores: { records: slow }, maxEntries: 10, maxBytes: 1024 ** 2 });
    const early = cached.countDocuments("t", tags, never);
    await new Promise(setImmediate);
    await records.putDocuments("t", [cutDocument("a", { tags: ["x"] })], never);
    const releaseEarly = release;
    const late = cached.countDocuments("t", tags, never);
    await new Promise(setImmediate);
    releaseEarly();
    release();
    expect([(await early).counts, (await late).counts]).toEqual([[], [{ value: "x", documentCount: 1 }]]);
  });

  it("gives nothing stale, in 10,000 operations over two processes", async () => {
    const operation = fc.record({
      what: fc.constantFrom("put", "delete", "count", "count", "list", "list"),
      id: fc.constantFrom("a", "b", "c", "d"),
      collection: fc.constantFrom("laws", "news"),
      tag: fc.constantFrom("x", "y"),
      place: fc.constantFrom(0, 1),
      tenant: fc.constantFrom("t", "u"),
      isFiltered: fc.boolean(),
    });
    const property = fc.asyncProperty(fc.array(operation, { minLength: 500, maxLength: 500 }), async (operations) => {
      const { records, open } = openRecord();
      const caches = [open(), open({ maxEntries: 4 })];
      for (const { what, id, collection, tag, place, tenant, isFiltered } of operations) {
        const cached = caches[place]!.records;
        const filter = isFiltered ? inCollection(collection) : tagged(tag);
        if (what === "put")
          await records.putDocuments(
            tenant,
            [cutDocument(id, { collection, tags: [tag], text: `${id} ${tag}` })],
            never,
          );
        if (what === "delete") await records.deleteDocuments(tenant, [id], never);
        if (what === "count") {
          const query = { ...tags, filter };
          expect(await cached.countDocuments(tenant, query, never)).toEqual(
            await records.countDocuments(tenant, query, never),
          );
        }
        if (what === "list") {
          expect(await cached.listDocuments(tenant, listed(filter), never)).toEqual(
            await records.listDocuments(tenant, listed(filter), never),
          );
        }
      }
    });
    await fc.assert(property, { numRuns: 20 });
  });
});
