import { createValidator } from "@bufbuild/protovalidate";
import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { reasonOf, violationsOf } from "@quartet/errors";
import { SearchPassagesRequestSchema } from "@quartet/contracts/gateway/v1/search_service";
import type { FilterSchema } from "@quartet/contracts/type/v1/filter";
import { createRequestValidator } from "./validation.ts";

const { check } = createRequestValidator();

function fieldsOf<D extends DescMessage>(type: D, fields: MessageInitShape<D>): readonly string[] {
  try {
    check(type, create(type, fields));
    return [];
  } catch (error) {
    expect(reasonOf(error)).toBe("FIELD_INVALID");
    return violationsOf(error).map(({ field }) => field);
  }
}

describe("createRequestValidator", () => {
  it("lets a valid request pass", () => {
    expect(fieldsOf(SearchPassagesRequestSchema, { query: "연차휴가는 며칠인가요?" })).toEqual([]);
  });

  it("names the field that breaks a rule", () => {
    expect(fieldsOf(SearchPassagesRequestSchema, { query: "" })).toEqual(["query"]);
  });

  it("looks into a filter at every depth, where protovalidate does not", () => {
    const bad = {
      condition: { case: "equals", value: { field: "tenant", value: { kind: { case: "boolValue", value: true } } } },
    } satisfies FilterFields;
    const nested = {
      condition: { case: "anyOf", value: { filters: [{ condition: { case: "tag", value: "ok" } }, bad] } },
    } satisfies FilterFields;
    const deep = {
      condition: {
        case: "allOf",
        value: { filters: [{ condition: { case: "noneOf", value: { filters: [nested] } } }] },
      },
    } satisfies FilterFields;
    expect(filterFields(nested)).toEqual(["any_of.filters[1].equals.field"]);
    expect(filterFields(deep)).toEqual(["all_of.filters[0].none_of.filters[0].any_of.filters[1].equals.field"]);
  });

  it("refuses an empty operand list deep inside", () => {
    const empty = { condition: { case: "allOf", value: { filters: [] } } } satisfies FilterFields;
    expect(filterFields({ condition: { case: "anyOf", value: { filters: [empty] } } })).toEqual([
      "any_of.filters[0].all_of.filters",
    ]);
  });

  it("names no more fields than a header holds", () => {
    const filters = Array.from({ length: 60 }, (): FilterFields => ({ condition: { case: "tag", value: "" } }));
    expect(filterFields({ condition: { case: "anyOf", value: { filters } } })).toHaveLength(16);
  });
});

describe("patterns", () => {
  const reference = createValidator();

  it("mean what they mean to protovalidate, but for the white space of other scripts", () => {
    const character = fc.constantFrom(
      "a",
      "Z",
      "가",
      "9",
      "-",
      "_",
      ".",
      "/",
      " ",
      "\t",
      "\n",
      "\0",
      "\u001f",
      "😀",
      "é",
    );
    const text = fc.string({ unit: character, maxLength: 8 });
    fc.assert(
      fc.property(text, (value) => {
        const filters = (["exists", "tag", "taxonomyPathPrefix"] as const).map((key): FilterFields => ({
          condition: { case: key, value },
        }));
        const flat = create(SearchPassagesRequestSchema, { query: value, options: { tags: [value] } });
        expect(fieldsOf(SearchPassagesRequestSchema, flat).length > 0).toBe(
          reference.validate(SearchPassagesRequestSchema, flat).kind === "invalid",
        );
        for (const condition of filters) {
          const single = create(SearchPassagesRequestSchema, { query: "a", options: { filter: condition } });
          expect(fieldsOf(SearchPassagesRequestSchema, single).length > 0).toBe(
            reference.validate(SearchPassagesRequestSchema, single).kind === "invalid",
          );
        }
      }),
    );
  });

  it("take an ideographic space for blank", () => {
    expect(fieldsOf(SearchPassagesRequestSchema, { query: "\u3000" })).toEqual(["query"]);
    expect(fieldsOf(SearchPassagesRequestSchema, { query: "\u3000휴가" })).toEqual([]);
  });
});

type FilterFields = MessageInitShape<typeof FilterSchema>;

/** The violated fields within `options.filter`. */
function filterFields(filter: FilterFields): readonly string[] {
  const prefix = "options.filter.";
  return fieldsOf(SearchPassagesRequestSchema, { query: "휴가", options: { filter } }).map((field) => {
    expect(field).toContain(prefix);
    return field.slice(prefix.length);
  });
}
