import type { Transaction } from "@quartet/postgres";
import { collectionRow, lockSpaces } from "./vector-tables.ts";

/** As `VectorIndex.retryRefused`, within a transaction. */
export async function retryRefused(transaction: Transaction, tenant: string, collection: string): Promise<number> {
  const collectionId = await collectionRow(transaction, tenant, collection);
  if (collectionId === undefined) return 0;
  const spaces = (await lockSpaces(transaction, collectionId)).filter(({ refusedCount }) => refusedCount > 0);
  if (spaces.length === 0) return 0;
  const rowIds = [spaces.map(({ rowId }) => rowId)];
  const [forgotten] = await transaction.query<{ count: number }>(
    `WITH forgotten AS (DELETE FROM refused_passage WHERE space = ANY ($1::bigint[]) RETURNING passage)
     SELECT count(DISTINCT passage) FROM forgotten`,
    rowIds,
  );
  await transaction.execute("UPDATE space SET refused_count = 0 WHERE id = ANY ($1::bigint[])", rowIds);
  return forgotten!.count;
}
