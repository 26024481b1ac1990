import type { Transaction } from "@quartet/postgres";
import type { Filter } from "../../domain/filter.ts";
import { filterSql, type SqlValues } from "./filter-sql.ts";
import { type Placement, tablesOf } from "./vector-tables.ts";

/** Where the vectors of one collection are searched. */
export interface Route {
  readonly rowId: number;
  readonly collectionId: number;
  readonly dimensions: number;
  readonly placement: Placement;
  readonly vectorCount: number;
}

/** What a statement looks for. */
export interface Nearest {
  readonly vector: string;
  readonly filter: Filter | undefined;
  readonly limit: number;
}

/** The routes of those collections that have the space as their active one. */
export function readRoutes(
  transaction: Transaction,
  tenant: string,
  { collections, spaceId }: { readonly collections: readonly string[]; readonly spaceId: string },
): Promise<readonly Route[]> {
  return transaction.query<Route>(
    `SELECT s.id AS "rowId", s.collection_id AS "collectionId", s.dimensions, s.placement,
       s.vector_count AS "vectorCount" FROM space s JOIN collection c ON c.id = s.collection_id
     WHERE c.tenant = $1 AND c.name = ANY ($2::text[]) AND s.role = 'active' AND s.space_id = $3 ORDER BY s.id`,
    [tenant, collections, spaceId],
  );
}

export const isIndexed = ({ placement }: Route): boolean => placement === "settling" || placement === "own";

/** The rows of a space outside an index, as queries that give (passage, embedding). */
export function scannedRows(route: Route): string[] {
  const { placement, rowId } = route;
  const { shared } = tablesOf(route);
  return [
    ...(placement === "own" ? [] : [`SELECT v.passage, v.embedding FROM ${shared} v WHERE v.space = ${rowId}`]),
    ...(placement === "moving" || placement === "indexing" ? [ownRows(route)] : []),
  ];
}

export function ownRows(route: Route): string {
  return `SELECT v.passage, v.embedding FROM ${tablesOf(route).own} v WHERE ${isAlive(route)}`;
}

/** Whether a row of the own table is to be seen. */
export function isAlive({ placement, rowId }: Route): string {
  if (placement !== "indexing" && placement !== "settling") return "TRUE";
  return `NOT EXISTS (SELECT 1 FROM vector_stale o WHERE o.space = ${rowId} AND o.passage = v.passage)`;
}

/** Makes hits of (passage, distance); the distance is the negated inner product. */
export function hitsOf(near: string): string {
  return `SELECT n.passage AS "passageId", d.document_id AS "documentId", p.ordinal, 0 - n.distance AS score
    FROM ${near} n JOIN passage p ON p.id = n.passage JOIN document d ON d.id = p.document`;
}

/** The passages that a filter lets through. */
export function candidatesSql(filter: Filter, routes: readonly Route[], values: SqlValues): string {
  const collections = values.add(routes.map(({ collectionId }) => collectionId));
  return `SELECT p.id FROM document d JOIN passage p ON p.document = d.id
    WHERE d.collection_id = ANY (${collections}::bigint[]) AND ${filterSql(filter, values)}`;
}
