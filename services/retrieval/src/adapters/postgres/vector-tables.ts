import { ConflictError, type Transaction } from "@quartet/postgres";
import type { EmbeddingSpace } from "../../domain/collection.ts";

/** A space of a collection, as the database knows it. */
export interface SpaceRow extends EmbeddingSpace {
  readonly rowId: number;
  readonly role: "active" | "building";
  readonly vectorCount: number;
  readonly refusedCount: number;
}

/** Where the vectors of a space lie; see migrations/002_vectors.sql. */
export type Placement = "shared" | "moving" | "indexing" | "settling" | "own";

/** The tables of a space. Their names are made of numbers that the database gave. */
export function tablesOf(space: { readonly dimensions: number; readonly rowId: number }): {
  readonly shared: string;
  readonly own: string;
} {
  const { dimensions, rowId } = space;
  return { shared: `vector_${dimensions}`, own: `vector_${dimensions}_${rowId}` };
}

export async function collectionRow(
  transaction: Transaction,
  tenant: string,
  name: string,
): Promise<number | undefined> {
  const sql = "SELECT id FROM collection WHERE tenant = $1 AND name = $2";
  return (await transaction.query<{ id: number }>(sql, [tenant, name]))[0]?.id;
}

/**
 * The spaces of a collection, kept from changing until the transaction ends: nobody else writes their vectors meanwhile, nor passages that
 * have some. The collection's own row is locked last by everybody, and so not here.
 */
export function lockSpaces(transaction: Transaction, collectionId: number): Promise<readonly SpaceRow[]> {
  return transaction.query<SpaceRow>(
    `SELECT id AS "rowId", role, space_id AS id, dimensions, kind, dense_weight AS "denseWeight", cache_threshold AS "cacheThreshold",
       model, vector_count AS "vectorCount", refused_count AS "refusedCount"
     FROM space s WHERE role <> 'left' AND collection_id = $1 ORDER BY s.id FOR UPDATE`,
    [collectionId],
  );
}

/**
 * The same for whoever puts vectors into a space. Where it is not there yet one transaction at a time makes it, while the passages of the
 * collection stay as they are: see migrations/004_new_spaces.sql.
 */
export async function lockSpacesToPut(
  transaction: Transaction,
  collectionId: number,
  spaceId: string,
): Promise<readonly SpaceRow[]> {
  const sql = "SELECT FROM space WHERE role <> 'left' AND collection_id = $1 AND space_id = $2";
  const isKnown = (await transaction.query(sql, [collectionId, spaceId])).length > 0;
  if (!isKnown) await transaction.query("SELECT pg_advisory_xact_lock(passages_lock($1))", [collectionId]);
  const spaces = await lockSpaces(transaction, collectionId);
  // Too late for the lock that comes before these.
  if (isKnown && !spaces.some(({ id }) => id === spaceId)) throw new ConflictError("the space was left just now");
  return spaces;
}

/** Nothing reads its vectors any longer. There may be a million of them: they are deleted afterwards. */
export async function leaveSpace(transaction: Transaction, { rowId }: SpaceRow): Promise<void> {
  await transaction.execute("UPDATE space SET role = 'left', left_at = now() WHERE id = $1", [rowId]);
}

/** Counts one more change. The keyword index has nothing to follow: where it is up to date, it stays so. */
export async function touchCollection(transaction: Transaction, collectionId: number): Promise<void> {
  await transaction.execute(
    `UPDATE collection SET record_seq = record_seq + 1,
       projected_seq = projected_seq + CASE WHEN projected_seq = record_seq THEN 1 ELSE 0 END WHERE id = $1`,
    [collectionId],
  );
}
