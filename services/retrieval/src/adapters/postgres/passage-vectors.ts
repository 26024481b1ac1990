import type { Transaction } from "@quartet/postgres";
import type { PassageVectorsQuery } from "../../domain/vector-index.ts";
import { fromHalfVectorBytes } from "./half-vector.ts";
import { isIndexed, ownRows, readRoutes, scannedRows } from "./vector-sql.ts";

/** Vectors of passages by their numbers. To be called in a transaction with one snapshot, as searches are. */
export async function passageVectors(
  transaction: Transaction,
  tenant: string,
  { spaceId, collections, passageIds }: PassageVectorsQuery,
): Promise<ReadonlyMap<number, Float32Array>> {
  const routes = await readRoutes(transaction, tenant, { spaceId, collections });
  const rows = routes.flatMap((route) => [...scannedRows(route), ...(isIndexed(route) ? [ownRows(route)] : [])]);
  if (rows.length === 0 || passageIds.length === 0) return new Map();
  // As bytes: decimals of a thousand components a passage take longer to write and to read than to look up.
  const found = await transaction.query<{ readonly passage: number; readonly bytes: Buffer }>(
    `SELECT v.passage, halfvec_send(v.embedding) AS bytes FROM (${rows.join(" UNION ALL ")}) v WHERE v.passage = ANY ($1::bigint[])`,
    [passageIds],
  );
  return new Map(found.map(({ passage, bytes }) => [passage, fromHalfVectorBytes(bytes)]));
}
