import type { Filter } from "./filter.ts";

/**
 * Whether any document of that collection can satisfy the filter, judged by conditions on `collection` alone: false only where it is
 * certain. So a search never asks, and never reports on, a collection that the filter excludes.
 */
export function canMatchCollection(filter: Filter | undefined, collection: string): boolean {
  return filter === undefined || judge(filter, collection) !== false;
}

/** Kleene's three values; undefined is "depends on the document". */
function judge(filter: Filter, collection: string): boolean | undefined {
  switch (filter.kind) {
    case "allOf":
      return every(filter.filters.map((operand) => judge(operand, collection)));
    case "anyOf":
      return negate(every(filter.filters.map((operand) => negate(judge(operand, collection)))));
    case "noneOf":
      return every(filter.filters.map((operand) => negate(judge(operand, collection))));
    case "equalsAny":
      if (filter.field.kind !== "attribute" || filter.field.name !== "collection") return undefined;
      return filter.values.some(({ value }) => value === collection);
    case "range":
    case "exists":
    case "tag":
    case "taxonomyPathPrefix":
      return undefined;
  }
}

function every(values: readonly (boolean | undefined)[]): boolean | undefined {
  if (values.includes(false)) return false;
  return values.includes(undefined) ? undefined : true;
}

function negate(value: boolean | undefined): boolean | undefined {
  return value === undefined ? undefined : !value;
}

/**
 * The only documents that can satisfy the filter, where it says so by `document_id`; undefined where it does not. Stores look
 * those up instead of going through all.
 */
export function requiredDocumentIds(filter: Filter | undefined): readonly string[] | undefined {
  if (filter?.kind === "equalsAny") {
    if (filter.field.kind !== "attribute" || filter.field.name !== "document_id") return undefined;
    return [...new Set(filter.values.filter(({ kind }) => kind === "string").map(({ value }) => value as string))];
  }
  if (filter?.kind !== "allOf") return undefined;
  return filter.filters.map(requiredDocumentIds).find((ids) => ids !== undefined);
}
