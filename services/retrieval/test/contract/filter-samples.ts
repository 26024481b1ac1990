import fc from "fast-check";
import type { DocumentAttributes, Metadata, MetadataValue } from "../../src/domain/document.ts";
import { type Filter, type FilterRange, parseFilterField, type Scalar } from "../../src/domain/filter.ts";
import type { DocumentFields } from "./subject.ts";

/** Strings that are easily taken for something else, or sorted wrongly: by units, by locale, without case, by number. */
export const strings = [
  "a",
  "B",
  "b",
  "가",
  "각",
  "나",
  "é",
  "e",
  "\uff21",
  "😀",
  "10",
  "9",
  "true",
  "null",
  "' OR 1=1 --",
  "%_\\",
  '{"$gt": ""}',
  "*",
  "a b",
  "$1",
  "2024-05-30",
  "2024-05-30T09:00:00+09:00",
  "2024-05-30T00:00:00.0005Z",
  "2024-02-30",
  "0000-01-01",
  "1969-12-31T23:59:59.999Z",
] as const;

const moments = [
  Date.UTC(2024, 4, 30),
  Date.UTC(2024, 4, 30) + 0.5,
  Date.UTC(2024, 4, 29, 23, 59, 60),
  -1,
  0,
  -62_167_219_200_000,
];
const numbers = [
  0,
  -0,
  1,
  -1,
  9,
  10,
  0.1,
  0.2,
  0.30000000000000004,
  1e21,
  -1e-7,
  2 ** 53,
  5e-324,
  1.7976931348623157e308,
];
const keys = ["k", "m", "연도", "constructor"] as const;
const paths = ["a", "a/b", "a/bc", "a/b/c", "ab", "a0", "a/", "법/세금", "법/세금/부가세", "법/세금2"] as const;
const tags = ["세금", "2024", "'; DROP TABLE document;--", "a", "A", "%", "세"] as const;

const oneOf = <T>(values: readonly T[]) => fc.constantFrom(...values);
const atom: fc.Arbitrary<MetadataValue> = fc.oneof(oneOf(strings), oneOf(numbers), fc.boolean(), fc.constant(null));
const metadataValue: fc.Arbitrary<MetadataValue> = fc.oneof(
  { weight: 4, arbitrary: atom },
  {
    weight: 2,
    arbitrary: fc.array(fc.oneof({ weight: 4, arbitrary: atom }, fc.array(atom, { maxLength: 2 })), { maxLength: 3 }),
  },
  { weight: 1, arbitrary: fc.dictionary(oneOf(["a", "k"]), atom, { maxKeys: 2 }) },
);

export const documentFields: fc.Arbitrary<DocumentFields> = fc.record({
  title: fc.oneof(fc.constant(""), oneOf(strings)),
  collection: oneOf(["laws", "news"]),
  tags: fc.uniqueArray(oneOf(tags), { maxLength: 3 }),
  taxonomyPath: fc.oneof(fc.constant(""), oneOf(paths)),
  metadata: fc.dictionary(oneOf(keys), metadataValue, { maxKeys: 4 }) as fc.Arbitrary<Metadata>,
});

const equalKinds = (min: Scalar, max: Scalar): boolean => min.kind === max.kind;

/** Filters of every kind about such documents. The record's own times are known only once they are stored. */
export function filterArbitrary(stored: readonly DocumentAttributes[]): fc.Arbitrary<Filter> {
  const times = [
    ...moments,
    ...stored.flatMap(({ updateTimeMs }) => [updateTimeMs - 0.5, updateTimeMs, updateTimeMs + 0.5]),
  ];
  const scalar: fc.Arbitrary<Scalar> = fc.oneof(
    oneOf([...strings, ...stored.map(({ id }) => id), "laws", "text/plain", "ko", ""]).map(
      (value) => ({ kind: "string", value }) as const,
    ),
    oneOf(numbers).map((value) => ({ kind: "number", value }) as const),
    fc.boolean().map((value) => ({ kind: "boolean", value }) as const),
    oneOf(times).map((value) => ({ kind: "time", value }) as const),
  );
  const names = ["document_id", "collection", "title", "uri", "media_type", "language", "create_time", "update_time"];
  const field = fc
    .oneof(
      oneOf(names),
      oneOf(keys).map((key) => `metadata.${key}`),
      fc.constant("metadata.k"),
    )
    .map((name) => parseFilterField(name)!);
  const range = fc
    .record({
      field,
      first: scalar,
      second: scalar,
      which: oneOf(["min", "max", "both"]),
      flags: fc.tuple(fc.boolean(), fc.boolean()),
    })
    .map(({ field, first, second, which, flags: [minExclusive, maxExclusive] }): FilterRange => {
      const max = equalKinds(first, second) ? second : first;
      const bounds = { ...(which === "max" ? {} : { min: first }), ...(which === "min" ? {} : { max }) };
      return { kind: "range", field, ...bounds, minExclusive, maxExclusive };
    });
  const leaf = fc.oneof(
    fc.record({
      kind: fc.constant("equalsAny" as const),
      field,
      values: fc.array(scalar, { minLength: 1, maxLength: 4 }),
    }),
    range,
    fc.record({ kind: fc.constant("exists" as const), field }),
    fc.record({ kind: fc.constant("tag" as const), tag: oneOf([...tags, "nobody's"]) }),
    fc.record({ kind: fc.constant("taxonomyPathPrefix" as const), path: oneOf(paths) }),
  );
  const { tree } = fc.letrec<{ tree: Filter }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3, depthSize: "small" },
      leaf,
      fc.record({
        kind: fc.constantFrom("allOf" as const, "anyOf" as const, "noneOf" as const),
        filters: fc.array(tie("tree"), { minLength: 1, maxLength: 3 }),
      }),
    ),
  }));
  return tree;
}
