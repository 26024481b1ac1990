import type { Transaction } from "@quartet/postgres";
import type { Hit } from "../../domain/keyword-index.ts";
import type { RankingPart } from "../../domain/place.ts";
import { SqlValues } from "./filter-sql.ts";
import { candidatesSql, hitsOf, isIndexed, type Nearest, ownRows, type Route, scannedRows } from "./vector-sql.ts";

/**
 * A part of the exact ranking of all routes together, in its order. Every vector is compared, also where there is an index: an index knows no
 * place to go on from, and what it passed over would be missing from all parts. With passage IDs only those are looked up.
 */
export async function searchPart(
  transaction: Transaction,
  routes: readonly Route[],
  { vector, filter, limit, after, passageIds }: Nearest & RankingPart,
): Promise<readonly Hit[]> {
  const values = new SqlValues();
  const given = `${values.add(vector)}::halfvec`;
  const ids = passageIds && `${values.add(passageIds)}::bigint[]`;
  const rows = routes.flatMap((route) => [...scannedRows(route), ...(isIndexed(route) ? [ownRows(route)] : [])]);
  const among = (column: string) => (ids === undefined ? "TRUE" : `${column} = ANY (${ids})`);
  const candidates =
    filter && `candidate AS MATERIALIZED (${candidatesSql(filter, routes, values)} AND ${among("p.id")}),`;
  const compared = `SELECT v.passage, v.embedding <#> ${given} AS distance FROM (${rows.join(" UNION ALL ")}) v
    ${candidates === undefined ? "" : "JOIN candidate k ON k.id = v.passage"} WHERE ${among("v.passage")}`;
  const count = values.add(limit);
  const nearest = (condition: string) =>
    `(SELECT passage, distance FROM compared WHERE ${condition} ORDER BY distance FETCH FIRST (${count}::bigint) ROWS WITH TIES)`;
  let near = nearest("TRUE");
  let behind = "TRUE";
  if (after !== undefined) {
    const distance = `${values.add(-after.score)}::float8`;
    const [document, ordinal] = [values.add(after.documentId), values.add(after.ordinal)];
    near = `${nearest(`distance > ${distance}`)} UNION ALL SELECT passage, distance FROM compared WHERE distance = ${distance}`;
    behind = `n.distance > ${distance} OR (d.document_id, p.ordinal) > (${document}::text, ${ordinal}::int)`;
  }
  // Materialized, so that each vector is compared once, and none by an index, which would leave some out.
  const text = `WITH ${candidates ?? ""} compared AS MATERIALIZED (${compared}), near AS MATERIALIZED (${near})
    ${hitsOf("near")} WHERE ${behind} ORDER BY n.distance, d.document_id, p.ordinal LIMIT ${count}::bigint`;
  return transaction.query<Hit>(text, values.list);
}
