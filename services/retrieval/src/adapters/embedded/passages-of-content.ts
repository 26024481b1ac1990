import type { CollectionEntry } from "./catalogue.ts";
import type { Database } from "./database.ts";

/** The IDs of the passages with this content, oldest first: those are where a new passage looks for a vector of its content. */
export function passagesOf(database: Database, { rowId }: CollectionEntry, contentHash: string): number[] {
  const sql = "SELECT id FROM passage WHERE collection = ? AND content_hash = ? ORDER BY id";
  return database.all<{ id: number }>(sql, rowId, Buffer.from(contentHash, "hex")).map(({ id }) => id);
}
