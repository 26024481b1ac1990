import type { Transaction } from "@quartet/postgres";
import { collectionRow, lockSpaces } from "./vector-tables.ts";

export interface ContentsToRefuse {
  readonly tenant: string;
  readonly collection: string;
  readonly spaceId: string;
  readonly contentHashes: readonly string[];
}

/** As `VectorIndex.refuse`, within a transaction. */
export async function refuseContents(
  transaction: Transaction,
  { tenant, collection, spaceId, contentHashes }: ContentsToRefuse,
): Promise<number> {
  const collectionId = await collectionRow(transaction, tenant, collection);
  if (collectionId === undefined) return 0;
  const space = (await lockSpaces(transaction, collectionId)).find(({ id }) => id === spaceId);
  if (space === undefined || space.vectorCount === 0) return 0;
  const [known] = await transaction.query<{ hasVector: string }>(
    `SELECT has_vector(s, 'p.id') AS "hasVector" FROM space s WHERE id = $1`,
    [space.rowId],
  );
  const hashes = contentHashes.map((hash) => Buffer.from(hash, "hex"));
  const newCount = await transaction.execute(
    `INSERT INTO refused_passage (space, passage, tenant)
     SELECT $1, p.id, p.tenant FROM passage p
     WHERE p.collection_id = $2 AND p.content_hash = ANY ($3::bytea[]) AND NOT (${known!.hasVector})
     ON CONFLICT DO NOTHING`,
    [space.rowId, collectionId, hashes],
  );
  if (newCount > 0) {
    const sql = "UPDATE space SET refused_count = refused_count + $2 WHERE id = $1";
    await transaction.execute(sql, [space.rowId, newCount]);
  }
  const [counted] = await transaction.query<{ count: number }>(
    `SELECT count(*) FROM refused_passage r JOIN passage p ON p.id = r.passage
     WHERE r.space = $1 AND p.collection_id = $2 AND p.content_hash = ANY ($3::bytea[])`,
    [space.rowId, collectionId, hashes],
  );
  return counted!.count;
}
