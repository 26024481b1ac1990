import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { DocumentAttributes, MetadataValue } from "./document.ts";
import { type Filter, type FilterField, parseFilterField, type Scalar } from "./filter.ts";
import { compileFilter } from "./filter-match.ts";
import { canMatchCollection, requiredDocumentIds } from "./filter-scope.ts";

const base: DocumentAttributes = {
  id: "세법/1",
  collection: "law",
  title: "",
  mediaType: "text/plain",
  language: "ko",
  uri: "",
  tags: ["세금", "2024"],
  taxonomyPath: "law/tax/vat",
  metadata: {
    year: 2024,
    draft: false,
    authors: ["김", "Lee"],
    since: "2024-05-30",
    deep: { a: 1 },
    none: null,
    empty: [],
  },
  createTimeMs: 1_000,
  updateTimeMs: 2_000,
};
const field = (name: string): FilterField => parseFilterField(name)!;
const text = (value: string): Scalar => ({ kind: "string", value });
const number = (value: number): Scalar => ({ kind: "number", value });
const time = (value: number): Scalar => ({ kind: "time", value });
const equals = (name: string, ...values: Scalar[]): Filter => ({ kind: "equalsAny", field: field(name), values });
const range = (name: string, bounds: { min?: Scalar; max?: Scalar; minExclusive?: boolean; maxExclusive?: boolean }) =>
  ({ kind: "range", field: field(name), minExclusive: false, maxExclusive: false, ...bounds }) satisfies Filter;
const holds = (filter: Filter) => compileFilter(filter)(base);
const none = (...filters: Filter[]): Filter => ({ kind: "noneOf", filters });

describe("a filter", () => {
  it.each<[string, Filter, boolean]>([
    ["a string that is equal", equals("metadata.since", text("2024-05-30")), true],
    ["a number against a string", equals("metadata.since", number(2024)), false],
    ["a string against a number", equals("metadata.year", text("2024")), false],
    ["any element of a list", equals("metadata.authors", text("Lee")), true],
    ["a truth value", equals("metadata.draft", { kind: "boolean", value: false }), true],
    ["a field that is lacking", equals("metadata.missing", text("x")), false],
    ["none of a field that is lacking", none(equals("metadata.missing", text("x"))), true],
    ["a name every object has", { kind: "exists", field: field("metadata.constructor") }, false],
    ["an empty title", { kind: "exists", field: field("title") }, false],
    ["null", { kind: "exists", field: field("metadata.none") }, false],
    ["an empty list", { kind: "exists", field: field("metadata.empty") }, false],
    ["an object", { kind: "exists", field: field("metadata.deep") }, false],
    ["a date in metadata as a moment", equals("metadata.since", time(Date.UTC(2024, 4, 30))), true],
    ["a range of moments", range("metadata.since", { min: time(Date.UTC(2024, 0, 1)) }), true],
    ["a time of the record", equals("create_time", time(1_000)), true],
    ["a time of the record is no number", equals("create_time", number(1_000)), false],
    ["a lower bound that is met", range("metadata.year", { min: number(2024) }), true],
    ["a lower bound outside itself", range("metadata.year", { min: number(2024), minExclusive: true }), false],
    ["an upper bound outside itself", range("metadata.year", { max: number(2024), maxExclusive: true }), false],
    ["a range of strings", range("document_id", { min: text("세"), max: text("세법/2") }), true],
    ["a range of another type", range("metadata.year", { min: text("0") }), false],
    ["a tag", { kind: "tag", tag: "세금" }, true],
    ["part of a tag", { kind: "tag", tag: "세" }, false],
    ["the path itself", { kind: "taxonomyPathPrefix", path: "law/tax/vat" }, true],
    ["a path above", { kind: "taxonomyPathPrefix", path: "law/tax" }, true],
    ["a path that only begins alike", { kind: "taxonomyPathPrefix", path: "law/ta" }, false],
  ])("on %s", (_name, filter, expected) => expect(holds(filter)).toBe(expected));

  it("knows no field that no document can have", () => {
    for (const name of ["metadata.", "metadata.a.b", "metadata.tenant", "metadata.1", "Title", "__proto__", "tags"]) {
      expect(parseFilterField(name)).toBeUndefined();
    }
    expect(parseFilterField("metadata.연도")).toEqual({ kind: "metadata", key: "연도" });
  });
});

/** The same rules once more, written for reading instead of speed. */
function naive(filter: Filter, document: DocumentAttributes): boolean {
  switch (filter.kind) {
    case "allOf":
      return filter.filters.every((operand) => naive(operand, document));
    case "anyOf":
      return filter.filters.some((operand) => naive(operand, document));
    case "noneOf":
      return filter.filters.every((operand) => !naive(operand, document));
    case "tag":
      return document.tags.some((tag) => tag === filter.tag);
    case "taxonomyPathPrefix": {
      const [path, prefix] = [document.taxonomyPath.split("/"), filter.path.split("/")];
      return prefix.every((segment, index) => segment === path[index]);
    }
    case "exists":
      return scalarsOf(document, filter.field).length > 0;
    case "equalsAny":
      return scalarsOf(document, filter.field).some((held) =>
        filter.values.some((value) => order(held, value, filter.field) === 0),
      );
    case "range":
      return scalarsOf(document, filter.field).some((held) => {
        const low = filter.min === undefined ? 1 : order(held, filter.min, filter.field);
        const high = filter.max === undefined ? -1 : order(held, filter.max, filter.field);
        if (low === undefined || high === undefined) return false;
        return (filter.minExclusive ? low > 0 : low >= 0) && (filter.maxExclusive ? high < 0 : high <= 0);
      });
  }
}

function scalarsOf(document: DocumentAttributes, of: FilterField): Scalar[] {
  if (of.kind === "attribute") {
    if (of.name === "create_time") return [time(document.createTimeMs)];
    if (of.name === "document_id") return [text(document.id)];
    if (of.name === "collection") return [text(document.collection)];
    return document.title === "" ? [] : [text(document.title)];
  }
  const value: MetadataValue | undefined = new Map(Object.entries(document.metadata)).get(of.key);
  return [value ?? []].flat().flatMap((element): Scalar[] => {
    if (typeof element === "string") return [text(element)];
    if (typeof element === "number") return [number(element)];
    return typeof element === "boolean" ? [{ kind: "boolean", value: element }] : [];
  });
}

function order(held: Scalar, value: Scalar, of: FilterField): number | undefined {
  if (value.kind === "time" && held.kind === "string" && of.kind === "metadata") {
    const moment = Date.parse(held.value);
    return /^\d{4}-\d\d-\d\d$/.test(held.value) ? Math.sign(moment - value.value) : undefined;
  }
  if (held.kind !== value.kind) return undefined;
  if (held.kind === "string") return Buffer.compare(Buffer.from(held.value), Buffer.from(value.value as string));
  return Math.sign(Number(held.value) - Number(value.value));
}

const word = fc.constantFrom("a", "b", "가", "나", "2024-05-30", "😀", "\uff21");
const moment = fc.constantFrom(0, Date.UTC(2024, 4, 30), Date.UTC(2024, 4, 31));
const scalar: fc.Arbitrary<Scalar> = fc.oneof(
  word.map(text),
  fc.integer({ min: -1, max: 2 }).map(number),
  fc.boolean().map((value) => ({ kind: "boolean", value }) as const),
  moment.map(time),
);
const fieldArbitrary = fc
  .constantFrom("document_id", "collection", "title", "create_time", "metadata.k", "metadata.m")
  .map(field);
const bounds = fc.tuple(scalar, scalar, fc.constantFrom("min", "max", "both")).map(([left, right, which]) => {
  const max = right.kind === left.kind ? right : left;
  return { ...(which === "max" ? {} : { min: left }), ...(which === "min" ? {} : { max }) };
});
const { filterArbitrary } = fc.letrec<{ filterArbitrary: Filter }>((tie) => ({
  filterArbitrary: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    fc.record({
      kind: fc.constant("equalsAny" as const),
      field: fieldArbitrary,
      values: fc.array(scalar, { minLength: 1 }),
    }),
    fc
      .tuple(fieldArbitrary, bounds, fc.boolean(), fc.boolean())
      .map(([of, given, minExclusive, maxExclusive]): Filter => {
        return { kind: "range", field: of, ...given, minExclusive, maxExclusive };
      }),
    fc.record({ kind: fc.constant("exists" as const), field: fieldArbitrary }),
    fc.record({ kind: fc.constant("tag" as const), tag: word }),
    fc.record({ kind: fc.constant("taxonomyPathPrefix" as const), path: fc.constantFrom("a", "a/b", "a/bc") }),
    fc.record({
      kind: fc.constantFrom("allOf" as const, "anyOf" as const, "noneOf" as const),
      filters: fc.array(tie("filterArbitrary"), { minLength: 1, maxLength: 3 }),
    }),
  ),
}));
const metadataValue = fc.oneof(
  word,
  fc.integer({ min: -1, max: 2 }),
  fc.boolean(),
  fc.constant(null),
  fc.constant({ a: 1 }),
  fc.array(fc.oneof(word, fc.integer({ min: -1, max: 2 }), fc.constant(null)), { maxLength: 3 }),
);
const documentArbitrary: fc.Arbitrary<DocumentAttributes> = fc.record({
  id: word,
  collection: fc.constantFrom("a", "b"),
  title: fc.oneof(fc.constant(""), word),
  mediaType: fc.constant("text/plain"),
  language: fc.constant("ko"),
  uri: fc.constant(""),
  tags: fc.uniqueArray(word, { maxLength: 3 }),
  taxonomyPath: fc.constantFrom("", "a", "a/b", "a/bc", "a/b/c", "ab"),
  metadata: fc.dictionary(fc.constantFrom("k", "m"), metadataValue),
  createTimeMs: moment,
  updateTimeMs: moment,
});

describe("compileFilter", () => {
  it("agrees with the plain reading of the rules", () => {
    fc.assert(
      fc.property(filterArbitrary, documentArbitrary, (filter, document) => {
        expect(compileFilter(filter)(document)).toBe(naive(filter, document));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("what a filter says of collections and IDs", () => {
  it("never excludes a document that satisfies it", () => {
    fc.assert(
      fc.property(filterArbitrary, documentArbitrary, (filter, document) => {
        if (!naive(filter, document)) return;
        expect(canMatchCollection(filter, document.collection)).toBe(true);
        expect(requiredDocumentIds(filter) ?? [document.id]).toContain(document.id);
      }),
      { numRuns: 2_000 },
    );
  });

  it("excludes a collection that another is asked for", () => {
    const inLaw: Filter = { kind: "allOf", filters: [equals("collection", text("law")), { kind: "tag", tag: "x" }] };
    expect(canMatchCollection(inLaw, "law")).toBe(true);
    expect(canMatchCollection(inLaw, "tax")).toBe(false);
    expect(canMatchCollection(none(equals("collection", text("law"))), "law")).toBe(false);
    expect(canMatchCollection({ kind: "anyOf", filters: [inLaw, { kind: "tag", tag: "y" }] }, "tax")).toBe(true);
  });
});
