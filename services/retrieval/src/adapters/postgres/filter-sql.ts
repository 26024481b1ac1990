import type { Filter, FilterField, FilterRange, Scalar } from "../../domain/filter.ts";

/** The values of a statement, in the order of their places. */
export class SqlValues {
  readonly list: unknown[] = [];

  /** Adds a value and gives its place, such as `$3`. */
  add(value: unknown): string {
    return `$${this.list.push(value)}`;
  }
}

/**
 * A filter as a condition on a row of `document` under the alias d; it is never null. Semantics: see `Filter`. Text columns are COLLATE "C",
 * which in UTF-8 is the order of code points; so do jsonpath's comparisons.
 */
export function filterSql(filter: Filter, values: SqlValues): string {
  switch (filter.kind) {
    case "allOf":
      return joined(filter.filters, " AND ", values);
    case "anyOf":
      return joined(filter.filters, " OR ", values);
    case "noneOf":
      return `NOT ${joined(filter.filters, " OR ", values)}`;
    case "equalsAny":
      return equalsSql(filter.field, filter.values, values);
    case "range":
      return rangeSql(filter, values);
    case "exists":
      return existsSql(filter.field, values);
    case "tag":
      return `${values.add(filter.tag)}::text = ANY (d.tags)`;
    case "taxonomyPathPrefix": {
      const { path } = filter;
      // What begins with the path and a slash lies between these two: "0" follows "/".
      const [from, to] = [values.add(`${path}/`), values.add(`${path}0`)];
      return `(d.taxonomy_path = ${values.add(path)} OR (d.taxonomy_path >= ${from} AND d.taxonomy_path < ${to}))`;
    }
  }
}

function joined(filters: readonly Filter[], operator: string, values: SqlValues): string {
  return `(${filters.map((filter) => filterSql(filter, values)).join(operator)})`;
}

/** Empty text is a lacking value. */
const textColumns = {
  document_id: "d.document_id",
  collection: "d.collection",
  title: "d.title",
  uri: "d.uri",
  media_type: "d.media_type",
  language: "d.language",
} as const;
const timeColumns = { create_time: "d.create_time_ms", update_time: "d.update_time_ms" } as const;

type Column =
  { readonly type: "text" | "time"; readonly sql: string } | { readonly type: "metadata"; readonly key: string };

function columnOf(field: FilterField): Column {
  if (field.kind === "metadata") return { type: "metadata", key: field.key };
  const { name } = field;
  if (name === "create_time" || name === "update_time") return { type: "time", sql: timeColumns[name] };
  return { type: "text", sql: textColumns[name] };
}

function equalsSql(field: FilterField, wanted: readonly Scalar[], values: SqlValues): string {
  const column = columnOf(field);
  const plain = wanted.filter(({ kind }) => kind !== "time").map(({ value }) => value);
  const times = wanted.filter(({ kind }) => kind === "time").map(({ value }) => value);
  switch (column.type) {
    case "text": {
      const texts = plain.filter((value) => typeof value === "string" && value !== "");
      return texts.length === 0 ? "FALSE" : `${column.sql} = ANY (${values.add(texts)}::text[])`;
    }
    case "time":
      return times.length === 0 ? "FALSE" : `${column.sql} = ANY (${values.add(times)}::float8[])`;
    case "metadata": {
      // A list contains a scalar when one of its elements is equal; a scalar contains itself; objects and nested lists contain none.
      const within = (source: string, those: readonly unknown[]) => {
        const list = values.add(those.map((value) => JSON.stringify(value)));
        return `coalesce((${source} -> ${values.add(column.key)}::text) @> ANY (${list}::jsonb[]), FALSE)`;
      };
      const conditions = [
        ...(plain.length === 0 ? [] : [within("d.metadata", plain)]),
        ...(times.length === 0 ? [] : [within("d.moments", times)]),
      ];
      return `(${conditions.join(" OR ")})`;
    }
  }
}

function rangeSql(range: FilterRange, values: SqlValues): string {
  const column = columnOf(range.field);
  const { kind } = (range.min ?? range.max)!;
  switch (column.type) {
    case "text":
      return kind === "string" ? `(${column.sql} <> '' AND ${bounded(column.sql, "text", range, values)})` : "FALSE";
    case "time":
      return kind === "time" ? `(${bounded(column.sql, "float8", range, values)})` : "FALSE";
    case "metadata": {
      const { key } = column;
      const variables = values.add(JSON.stringify({ min: range.min?.value, max: range.max?.value }));
      // Moments are lists always.
      if (kind === "time") return pathExists("d.moments", key, values, `$[*] ? (${pathBounds(range)})`, variables);
      return anyElement(key, values, `@.type() == "${kind}" && ${pathBounds(range)}`, variables);
    }
  }
}

function bounded(
  sql: string,
  type: string,
  { min, max, minExclusive, maxExclusive }: FilterRange,
  values: SqlValues,
): string {
  const conditions = [
    ...(min === undefined ? [] : [`${sql} ${minExclusive ? ">" : ">="} ${values.add(min.value)}::${type}`]),
    ...(max === undefined ? [] : [`${sql} ${maxExclusive ? "<" : "<="} ${values.add(max.value)}::${type}`]),
  ];
  return conditions.join(" AND ");
}

function pathBounds({ min, max, minExclusive, maxExclusive }: FilterRange): string {
  const conditions = [
    ...(min === undefined ? [] : [`@ ${minExclusive ? ">" : ">="} $min`]),
    ...(max === undefined ? [] : [`@ ${maxExclusive ? "<" : "<="} $max`]),
  ];
  return conditions.join(" && ");
}

function existsSql(field: FilterField, values: SqlValues): string {
  const column = columnOf(field);
  switch (column.type) {
    case "text":
      return `${column.sql} <> ''`;
    case "time":
      return "TRUE";
    case "metadata":
      return anyElement(column.key, values, `@.type() == "string" || @.type() == "number" || @.type() == "boolean"`);
  }
}

/** Whether a value of metadata, or an element of it where it is a list, meets the condition. */
function anyElement(key: string, values: SqlValues, condition: string, variables?: string): string {
  const exists = (path: string) => pathExists("d.metadata", key, values, `${path} ? (${condition})`, variables);
  return `CASE WHEN jsonb_typeof(d.metadata -> ${values.add(key)}::text) = 'array' THEN ${exists("$[*]")} ELSE ${exists("$")} END`;
}

/** Strict: the lax mode looks into lists within lists. The path is written by us; what callers give comes as variables. */
function pathExists(source: string, key: string, values: SqlValues, path: string, variables?: string): string {
  const more = variables === undefined ? "" : `, ${variables}::jsonb`;
  return `coalesce(jsonb_path_exists(${source} -> ${values.add(key)}::text, 'strict ${path}'${more}), FALSE)`;
}
