import { describe, expect, it } from "@jest/globals";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { FilterSchema } from "@quartet/contracts/type/v1/filter";
import { violationsOf } from "@quartet/errors";
import { toFilter } from "./filter.ts";

type Given = MessageInitShape<typeof FilterSchema>;
const read = (filter: Given) => toFilter(create(FilterSchema, filter), "filter");
const within = (filter: Given): Given => ({ condition: { case: "noneOf", value: { filters: [filter] } } });
const tag = (value: string): Given => ({ condition: { case: "tag", value } });

describe("a filter of the contract", () => {
  it("becomes a tree, in NFC", () => {
    expect(read(within(tag("가")))).toEqual({ kind: "noneOf", filters: [{ kind: "tag", tag: "가" }] });
  });

  it.each([
    ["NUL", "a\0b"],
    ["half a surrogate pair", "a\ud83d"],
  ])("with %s is refused wherever it stands: no store holds such text", (_, text) => {
    const refused = (work: () => unknown) => {
      try {
        work();
      } catch (error) {
        return violationsOf(error).map(({ field }) => field);
      }
      return [];
    };
    expect(refused(() => read(tag(text)))).toEqual(["filter.tag"]);
    expect(refused(() => read(within(within(tag(text)))))).toEqual([
      "filter.none_of.filters[0].none_of.filters[0].tag",
    ]);
    const equals: Given = {
      condition: { case: "equals", value: { field: "title", value: { kind: { case: "stringValue", value: text } } } },
    };
    expect(refused(() => read(within(equals)))).toEqual(["filter.none_of.filters[0].equals.value.string_value"]);
  });
});
