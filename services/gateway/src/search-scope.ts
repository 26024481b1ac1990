import type { FieldEquals, FieldEqualsAny, Filter } from "@quartet/contracts/type/v1/filter";
import type { InScope } from "./domain/query-space.ts";

/**
 * Which collections a filter can match, judged by its conditions on `collection` alone: false only where it is certain. Retrieval judges
 * for itself; this tells which space a question is best embedded in.
 */
export function scopeOf(filter: Filter | undefined): InScope {
  return (collection) => filter === undefined || judge(filter, collection);
}

function judge({ condition }: Filter, collection: string): boolean {
  switch (condition.case) {
    case "allOf":
      return condition.value.filters.every((operand) => judge(operand, collection));
    case "anyOf":
      return condition.value.filters.some((operand) => judge(operand, collection));
    case "equals":
    case "equalsAny":
      return condition.value.field !== "collection" || names(condition.value).includes(collection);
    default:
      return true;
  }
}

const names = (comparison: FieldEquals | FieldEqualsAny): readonly unknown[] =>
  ("values" in comparison ? comparison.values : [comparison.value]).map((scalar) => scalar?.kind.value);
