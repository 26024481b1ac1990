import type { Transaction } from "@quartet/postgres";
import type { EmbeddingSpace } from "../../domain/collection.ts";
import type { EncodedVector } from "../../domain/vector.ts";
import type { PutVectorsResult } from "../../domain/vector-index.ts";
import { toHalfVector } from "./half-vector.ts";
import { collectionRow, leaveSpace, lockSpacesToPut, type SpaceRow, touchCollection } from "./vector-tables.ts";

export interface VectorsToPut {
  readonly tenant: string;
  readonly collection: string;
  readonly space: EmbeddingSpace;
  readonly vectors: readonly { readonly contentHash: string; readonly vector: EncodedVector }[];
}

/** Gives each vector to the passages that still have its content, within a transaction. */
export async function putVectors(
  transaction: Transaction,
  { tenant, collection, space, vectors }: VectorsToPut,
): Promise<PutVectorsResult> {
  const collectionId = await collectionRow(transaction, tenant, collection);
  if (collectionId === undefined) return { kind: "stored", count: 0 };
  const spaces = await lockSpacesToPut(transaction, collectionId, space.id);
  const known = spaces.find(({ id }) => id === space.id);
  if (known !== undefined && (known.dimensions !== space.dimensions || known.kind !== space.kind)) {
    return { kind: "mismatch" };
  }
  const byContent = new Map(vectors.map(({ contentHash, vector }) => [contentHash, vector]));
  const targets = await passagesWith(transaction, collectionId, [...byContent.keys()]);
  if (targets.length === 0) return { kind: "stored", count: 0 };
  const { rowId, role } =
    known === undefined
      ? await makeSpace(transaction, { tenant, collectionId, spaces, space })
      : await updateSpace(transaction, known, space);
  await transaction.query("SELECT store_vectors($1, $2::bigint[], $3::int[], $4::text[])", [
    rowId,
    targets.map(({ passageId }) => passageId),
    targets.map(({ place }) => place),
    [...byContent.values()].map(toHalfVector),
  ]);
  // Searches see a change only in the active space.
  if (role === "active") await touchCollection(transaction, collectionId);
  return { kind: "stored", count: targets.length };
}

/** The passages that still have one of the contents, with the place of that in the list, from 1. */
function passagesWith(
  transaction: Transaction,
  collectionId: number,
  contentHashes: readonly string[],
): Promise<readonly { readonly passageId: number; readonly place: number }[]> {
  return transaction.query(
    `SELECT p.id AS "passageId", given.place::int AS place
     FROM unnest($2::bytea[]) WITH ORDINALITY AS given (hash, place)
       JOIN passage p ON p.collection_id = $1 AND p.content_hash = given.hash`,
    [collectionId, contentHashes.map((hash) => Buffer.from(hash, "hex"))],
  );
}

interface SpaceToMake {
  readonly tenant: string;
  readonly collectionId: number;
  /** Those that the collection has. */
  readonly spaces: readonly SpaceRow[];
  readonly space: EmbeddingSpace;
}

async function makeSpace(
  transaction: Transaction,
  { tenant, collectionId, spaces, space }: SpaceToMake,
): Promise<Pick<SpaceRow, "rowId" | "role">> {
  const role = spaces.some((each) => each.role === "active") ? "building" : "active";
  const replaced = spaces.find((each) => each.role === role);
  if (replaced !== undefined) await leaveSpace(transaction, replaced);
  await transaction.query("SELECT ensure_vector_table($1)", [space.dimensions]);
  const { id, dimensions, kind, denseWeight, cacheThreshold, model } = space;
  const [row] = await transaction.query<{ rowId: number }>(
    `INSERT INTO space (tenant, collection_id, role, space_id, dimensions, kind, dense_weight, cache_threshold, model)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id AS "rowId"`,
    [tenant, collectionId, role, id, dimensions, kind, denseWeight, cacheThreshold, model],
  );
  return { rowId: row!.rowId, role };
}

/** What a space says of itself may change without its vectors, such as the weight that is safe. */
async function updateSpace(
  transaction: Transaction,
  known: SpaceRow,
  { denseWeight, cacheThreshold, model }: EmbeddingSpace,
): Promise<SpaceRow> {
  const sql = "UPDATE space SET dense_weight = $2, cache_threshold = $3, model = $4 WHERE id = $1";
  await transaction.execute(sql, [known.rowId, denseWeight, cacheThreshold, model]);
  return known;
}
