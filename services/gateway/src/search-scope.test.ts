import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { FilterSchema } from "@quartet/contracts/type/v1/filter";
import { describe, expect, it } from "@jest/globals";
import { scopeOf } from "./search-scope.ts";

type Condition = NonNullable<MessageInitShape<typeof FilterSchema>["condition"]>;
type Init = { condition: Condition };

const text = (value: string) => ({ kind: { case: "stringValue" as const, value } });
const equals = (field: string, value: string): Init => ({
  condition: { case: "equals", value: { field, value: text(value) } },
});
const inScope = (filter: Init) => ["a", "b"].filter(scopeOf(create(FilterSchema, filter)));

describe("the collections that a search is about", () => {
  it("are those that its filter can match", () => {
    expect(inScope(equals("collection", "a"))).toEqual(["a"]);
    expect(
      inScope({ condition: { case: "equalsAny", value: { field: "collection", values: [text("b"), text("c")] } } }),
    ).toEqual(["b"]);
    const both = [equals("title", "x"), equals("collection", "b")];
    expect(inScope({ condition: { case: "allOf", value: { filters: both } } })).toEqual(["b"]);
    expect(inScope({ condition: { case: "anyOf", value: { filters: both } } })).toEqual(["a", "b"]);
  });

  it("are all where that depends on the documents", () => {
    expect(["a", "b"].filter(scopeOf(undefined))).toEqual(["a", "b"]);
    expect(inScope({ condition: { case: "tag", value: "a" } })).toEqual(["a", "b"]);
    const not = { filters: [equals("collection", "a")] };
    expect(inScope({ condition: { case: "noneOf", value: not } })).toEqual(["a", "b"]);
  });
});
