import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import type { Filter as FilterMessage, FilterList, Scalar as ScalarMessage } from "@quartet/contracts/type/v1/filter";
import { fieldInvalid, quartetError } from "@quartet/errors";
import { nfc } from "@quartet/text";
import {
  type Filter,
  type FilterField,
  type FilterRange,
  maxFilterDepth,
  maxFilterNodes,
  parseFilterField,
  type Scalar,
} from "../domain/filter.ts";

/**
 * Reads a filter's tree; undefined stays undefined, which is no condition. Throws INVALID_ARGUMENT: FIELD_INVALID naming the node that is too deep,
 * unset or of mixed types, FILTER_FIELD_UNKNOWN for a field no document can have.
 */
export function toFilter(message: FilterMessage | undefined, path: string): Filter | undefined {
  if (message === undefined) return undefined;
  const budget = { nodes: maxFilterNodes, root: path };
  return readNode(message, path, 1, budget);
}

interface Budget {
  nodes: number;
  readonly root: string;
}

function readNode({ condition }: FilterMessage, path: string, depth: number, budget: Budget): Filter {
  budget.nodes -= 1;
  if (depth > maxFilterDepth) throw fieldInvalid(path, `a filter has at most ${maxFilterDepth} levels`);
  if (budget.nodes < 0) throw fieldInvalid(budget.root, `a filter has at most ${maxFilterNodes} nodes`);
  switch (condition.case) {
    case "allOf":
    case "anyOf":
    case "noneOf": {
      const name = groupNames[condition.case];
      const filters = readList(condition.value, `${path}.${name}`, depth, budget);
      return { kind: condition.case, filters };
    }
    case "equals": {
      const { field, value } = condition.value;
      const at = `${path}.equals`;
      return { kind: "equalsAny", field: readField(field, `${at}.field`), values: [readScalar(value, `${at}.value`)] };
    }
    case "equalsAny": {
      const { field, values } = condition.value;
      const at = `${path}.equals_any`;
      if (values.length === 0) throw fieldInvalid(`${at}.values`, "at least one value is required");
      return {
        kind: "equalsAny",
        field: readField(field, `${at}.field`),
        values: values.map((value, index) => readScalar(value, `${at}.values[${index}]`)),
      };
    }
    case "range": {
      const { field, min, max, minExclusive, maxExclusive } = condition.value;
      const at = `${path}.range`;
      const bounds = readBounds(min, max, at);
      return { kind: "range", field: readField(field, `${at}.field`), ...bounds, minExclusive, maxExclusive };
    }
    case "exists":
      return { kind: "exists", field: readField(condition.value, `${path}.exists`) };
    case "tag":
      return { kind: "tag", tag: readText(condition.value, `${path}.tag`) };
    case "taxonomyPathPrefix":
      return { kind: "taxonomyPathPrefix", path: readText(condition.value, `${path}.taxonomy_path_prefix`) };
    case undefined:
      throw fieldInvalid(path, "a condition is required; this server knows none that is set");
  }
}

const groupNames = { allOf: "all_of", anyOf: "any_of", noneOf: "none_of" } as const;

function readList({ filters }: FilterList, path: string, depth: number, budget: Budget): Filter[] {
  if (filters.length === 0) throw fieldInvalid(`${path}.filters`, "at least one filter is required");
  return filters.map((filter, index) => readNode(filter, `${path}.filters[${index}]`, depth + 1, budget));
}

function readField(name: string, path: string): FilterField {
  const field = parseFilterField(name);
  if (field !== undefined) return field;
  throw quartetError({
    code: Code.InvalidArgument,
    reason: "FILTER_FIELD_UNKNOWN",
    message: `${path}: no document can have this field. Use document_id, collection, title, uri, media_type, language, create_time, update_time or metadata.KEY.`,
    violations: [{ field: path, description: "no document can have this field" }],
  });
}

function readBounds(
  min: ScalarMessage | undefined,
  max: ScalarMessage | undefined,
  path: string,
): Pick<FilterRange, "min" | "max"> {
  const low = min === undefined ? undefined : readScalar(min, `${path}.min`);
  const high = max === undefined ? undefined : readScalar(max, `${path}.max`);
  if (low === undefined && high === undefined) throw fieldInvalid(path, "give at least one of min and max");
  if (low !== undefined && high !== undefined && low.kind !== high.kind) {
    throw fieldInvalid(path, "min and max must be of one type");
  }
  return { ...(low === undefined ? {} : { min: low }), ...(high === undefined ? {} : { max: high }) };
}

function readScalar(message: ScalarMessage | undefined, path: string): Scalar {
  const kind = message?.kind;
  switch (kind?.case) {
    case "stringValue":
      return { kind: "string", value: readText(kind.value, `${path}.string_value`) };
    case "numberValue":
      if (!Number.isFinite(kind.value)) throw fieldInvalid(`${path}.number_value`, "the number must be finite");
      return { kind: "number", value: kind.value };
    case "boolValue":
      return { kind: "boolean", value: kind.value };
    case "timeValue":
      return { kind: "time", value: toMilliseconds(kind.value) };
    case undefined:
      throw fieldInvalid(path, "a value is required");
  }
}

function readText(text: string, path: string): string {
  if (!text.isWellFormed()) throw fieldInvalid(path, "the text holds half a surrogate pair");
  if (text.includes("\0")) throw fieldInvalid(path, "the text holds NUL (U+0000), which no document does");
  return nfc(text);
}

function toMilliseconds({ seconds, nanos }: Timestamp): number {
  return Number(seconds) * 1000 + nanos / 1e6;
}
