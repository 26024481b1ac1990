import { compareCodePoints } from "./code-point-order.ts";
import type { DocumentAttributes, MetadataValue } from "./document.ts";
import type { Filter, FilterField, FilterRange, Scalar } from "./filter.ts";
import { parseTime } from "./time.ts";

export type DocumentPredicate = (document: DocumentAttributes) => boolean;

/** Makes a filter tree into one function: built once per filter, called once per document. Semantics: see `Filter`. */
export function compileFilter(filter: Filter): DocumentPredicate {
  switch (filter.kind) {
    case "allOf": {
      const operands = filter.filters.map(compileFilter);
      return (document) => operands.every((holds) => holds(document));
    }
    case "anyOf": {
      const operands = filter.filters.map(compileFilter);
      return (document) => operands.some((holds) => holds(document));
    }
    case "noneOf": {
      const operands = filter.filters.map(compileFilter);
      return (document) => !operands.some((holds) => holds(document));
    }
    case "equalsAny":
      return anyValue(filter.field, equalsAny(filter.values));
    case "range":
      return anyValue(filter.field, withinRange(filter));
    case "exists":
      return anyValue(filter.field, () => true);
    case "tag":
      return ({ tags }) => tags.includes(filter.tag);
    case "taxonomyPathPrefix": {
      const { path } = filter;
      const below = `${path}/`;
      return ({ taxonomyPath }) => taxonomyPath === path || taxonomyPath.startsWith(below);
    }
  }
}

/** A scalar that a document holds. Only the record's own times and strings in metadata can be moments. */
interface Held {
  readonly value: string | number | boolean;
  readonly source: "time" | "text" | "metadata";
}
type HeldPredicate = (held: Held) => boolean;

function anyValue(field: FilterField, holds: HeldPredicate): DocumentPredicate {
  if (field.kind === "attribute") {
    const read = attributeReaders[field.name];
    return (document) => {
      const held = read(document);
      return held !== undefined && holds(held);
    };
  }
  const { key } = field;
  return ({ metadata }) => {
    if (!Object.hasOwn(metadata, key)) return false;
    const value = metadata[key]!;
    return Array.isArray(value) ? value.some((element) => holdsScalar(element, holds)) : holdsScalar(value, holds);
  };
}

function holdsScalar(value: MetadataValue, holds: HeldPredicate): boolean {
  return value !== null && typeof value !== "object" && holds({ value, source: "metadata" });
}

const text = (value: string): Held | undefined => (value === "" ? undefined : { value, source: "text" });
const time = (value: number): Held => ({ value, source: "time" });

const attributeReaders = {
  document_id: ({ id }: DocumentAttributes) => text(id),
  collection: ({ collection }: DocumentAttributes) => text(collection),
  title: ({ title }: DocumentAttributes) => text(title),
  uri: ({ uri }: DocumentAttributes) => text(uri),
  media_type: ({ mediaType }: DocumentAttributes) => text(mediaType),
  language: ({ language }: DocumentAttributes) => text(language),
  create_time: ({ createTimeMs }: DocumentAttributes) => time(createTimeMs),
  update_time: ({ updateTimeMs }: DocumentAttributes) => time(updateTimeMs),
};

function equalsAny(values: readonly Scalar[]): HeldPredicate {
  const plain = new Set(values.filter(({ kind }) => kind !== "time").map(({ value }) => value));
  const times = new Set(values.filter(({ kind }) => kind === "time").map(({ value }) => value));
  return (held) => {
    if (held.source !== "time" && plain.has(held.value)) return true;
    if (times.size === 0) return false;
    const moment = momentOf(held);
    return moment !== undefined && times.has(moment);
  };
}

function withinRange({ min, max, minExclusive, maxExclusive }: FilterRange): HeldPredicate {
  const { kind } = (min ?? max)!;
  return (held) => {
    const value = kind === "time" ? momentOf(held) : valueOfKind(held, kind);
    if (value === undefined) return false;
    if (min !== undefined) {
      const order = compareValues(value, min.value);
      if (order < 0 || (minExclusive && order === 0)) return false;
    }
    if (max !== undefined) {
      const order = compareValues(value, max.value);
      if (order > 0 || (maxExclusive && order === 0)) return false;
    }
    return true;
  };
}

function valueOfKind({ value, source }: Held, kind: "string" | "number" | "boolean"): Held["value"] | undefined {
  return source !== "time" && typeof value === kind ? value : undefined;
}

function momentOf({ value, source }: Held): number | undefined {
  if (source === "time") return value as number;
  return source === "metadata" && typeof value === "string" ? parseTime(value) : undefined;
}

/** Both are of one type. */
function compareValues(left: string | number | boolean, right: string | number | boolean): number {
  if (typeof left === "string") return compareCodePoints(left, right as string);
  return Number(left) - Number(right);
}
