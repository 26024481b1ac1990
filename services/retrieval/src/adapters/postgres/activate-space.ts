import type { Transaction } from "@quartet/postgres";
import { pendingCount } from "../../domain/collection.ts";
import type { ActivateResult } from "../../domain/vector-index.ts";
import { readCollections } from "./record-store.ts";
import { collectionRow, leaveSpace, lockSpaces, touchCollection } from "./vector-tables.ts";

export interface SpaceToActivate {
  readonly tenant: string;
  readonly collection: string;
  readonly spaceId: string;
}

/** Makes the space being built the active one, if no passage lacks a vector in it, within a transaction. */
export async function activateSpace(
  transaction: Transaction,
  { tenant, collection, spaceId }: SpaceToActivate,
): Promise<ActivateResult> {
  const collectionId = await collectionRow(transaction, tenant, collection);
  if (collectionId === undefined) return { kind: "unknown-collection" };
  const spaces = await lockSpaces(transaction, collectionId);
  const old = spaces.find(({ role }) => role === "active");
  const next = spaces.find(({ role }) => role === "building");
  if (old?.id !== spaceId) {
    if (next?.id !== spaceId) return { kind: "not-building" };
    const missingCount = pendingCount(await passageCount(transaction, collectionId), next);
    if (missingCount > 0) return { kind: "incomplete", missingCount };
    if (old !== undefined) await leaveSpace(transaction, old);
    await transaction.execute("UPDATE space SET role = 'active' WHERE id = $1", [next.rowId]);
    await touchCollection(transaction, collectionId);
  }
  const collections = await readCollections(transaction, tenant);
  return { kind: "active", collection: collections.find(({ state }) => state.collection === collection)! };
}

/** Waits for those who are about to change it: they have locked the collection, while its spaces are locked here. */
async function passageCount(transaction: Transaction, collectionId: number): Promise<number> {
  const sql = `SELECT passage_count AS count FROM collection WHERE id = $1 FOR NO KEY UPDATE`;
  return (await transaction.query<{ count: number }>(sql, [collectionId]))[0]!.count;
}
