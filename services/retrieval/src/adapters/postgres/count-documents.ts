import type { Transaction } from "@quartet/postgres";
import type { CountPage, CountQuery } from "../../domain/document-counts.ts";
import { filterSql, SqlValues } from "./filter-sql.ts";

/** Goes through all documents of the tenant that the filter lets through: time in proportion to them. */
export async function countDocuments(transaction: Transaction, tenant: string, query: CountQuery): Promise<CountPage> {
  const { limit } = query;
  const rows = await transaction.query<{ value: string; document_count: number }>(...statement(tenant, query));
  const counts = rows.slice(0, limit).map(({ value, document_count: documentCount }) => ({ value, documentCount }));
  return { counts, next: rows.length > limit ? counts.at(-1) : undefined };
}

function statement(
  tenant: string,
  { facet, prefix, filter, after, limit }: CountQuery,
): [text: string, values: readonly unknown[]] {
  const values = new SqlValues();
  const conditions = [`d.tenant = ${values.add(tenant)}`, ...(filter === undefined ? [] : [filterSql(filter, values)])];
  const from = facet === "tag" ? byTag(conditions, prefix, values) : byPath(conditions, prefix, values);
  const rest =
    after === undefined
      ? ""
      : `WHERE (-document_count, value) > (${values.add(-after.documentCount)}::bigint, ${values.add(storable(after.value))}::text)`;
  return [
    `SELECT value, document_count FROM (${from}) counted ${rest} ORDER BY document_count DESC, value LIMIT ${values.add(limit + 1)}`,
    values.list,
  ];
}

function byTag(conditions: readonly string[], prefix: string, values: SqlValues): string {
  const begins = prefix === "" ? [] : [`starts_with(value, ${values.add(prefix)}::text)`];
  return `SELECT value COLLATE "C" AS value, count(*) AS document_count FROM document d, unnest(d.tags) AS value
    WHERE ${[...conditions, ...begins].join(" AND ")} GROUP BY value`;
}

/** Documents of one path are counted first: there are fewer paths than documents. */
function byPath(conditions: readonly string[], prefix: string, values: SqlValues): string {
  const under = (column: string) =>
    prefix === ""
      ? []
      : [`(${column} = ${values.add(prefix)} OR starts_with(${column}, ${values.add(`${prefix}/`)}::text))`];
  const inPath = [...conditions, "d.taxonomy_path <> ''", ...under("d.taxonomy_path")].join(" AND ");
  const [begins = "TRUE"] = under("value");
  return `SELECT value, sum(document_count)::bigint AS document_count
    FROM (SELECT string_to_array(d.taxonomy_path, '/') AS segments, count(*) AS document_count FROM document d WHERE ${inPath} GROUP BY d.taxonomy_path) paths,
      LATERAL (SELECT array_to_string(segments[1:depth], '/') COLLATE "C" AS value FROM generate_series(1, cardinality(segments)) AS depth) above
    WHERE ${begins} GROUP BY value`;
}

/** No value holds NUL: those after one that does are those after what stands before it. */
const storable = (value: string): string => value.split("\0")[0] ?? "";
