import { createGiveWay } from "@quartet/turns";
import { type CollectionEntry, spaceIn, type SpaceEntry, spacesOf } from "./catalogue.ts";
import type { Database } from "./database.ts";
import { passagesOf } from "./passages-of-content.ts";
import type { EmbeddedState } from "./state.ts";

/** Passages noted in one transaction: other calls wait some 5 ms. */
const passagesPerTransaction = 500;

interface Refusal {
  readonly entry: CollectionEntry;
  readonly spaceId: string;
  readonly contentHashes: readonly string[];
}

/** As `VectorIndex.refuse`. */
export async function refuseContents(
  state: EmbeddedState,
  { entry, spaceId, contentHashes }: Refusal,
  signal: AbortSignal,
): Promise<number> {
  const giveWay = createGiveWay();
  let count = 0;
  for (const contentHash of contentHashes) {
    const passages = passagesOf(state.database, entry, contentHash);
    for (let from = 0; from < passages.length; from += passagesPerTransaction) {
      await giveWay(signal);
      const part = passages.slice(from, from + passagesPerTransaction);
      count += notePart(state, entry, spaceId, part);
    }
  }
  return count;
}

/** As `VectorIndex.retryRefused`. */
export async function retryRefused(state: EmbeddedState, entry: CollectionEntry, signal: AbortSignal): Promise<number> {
  const giveWay = createGiveWay();
  const passages = new Set<number>();
  for (const space of spacesOf(entry)) {
    const refused = [...space.refused];
    for (let from = 0; from < refused.length; from += passagesPerTransaction) {
      await giveWay(signal);
      const part = refused.slice(from, from + passagesPerTransaction);
      for (const id of forgetPart(state, entry, space, part)) passages.add(id);
    }
  }
  return passages.size;
}

/** One transaction; nothing of what it looks at can have changed within it. */
function notePart(
  { database }: EmbeddedState,
  entry: CollectionEntry,
  spaceId: string,
  part: readonly number[],
): number {
  const space = spaceIn(entry, spaceId);
  if (space === undefined || space.vectors.size === 0) return 0;
  const lacking = part.filter((id) => {
    const passage = entry.tenant.passages.get(id);
    return passage !== undefined && !space.vectors.has(passage.slot) && !space.refused.has(id);
  });
  if (lacking.length > 0) {
    const sql = "INSERT INTO refused_passage (space, passage) VALUES (?, ?)";
    database.transaction(() => lacking.forEach((id) => database.run(sql, space.rowId, id)));
    for (const id of lacking) space.refused.add(id);
  }
  return part.filter((id) => space.refused.has(id)).length;
}

/** One transaction. Gives those that were refused still, unless another space has taken this one's place. */
function forgetPart(
  { database }: EmbeddedState,
  entry: CollectionEntry,
  space: SpaceEntry,
  part: readonly number[],
): readonly number[] {
  const refused = spaceIn(entry, space.space.id) === space ? part.filter((id) => space.refused.has(id)) : [];
  if (refused.length === 0) return refused;
  database.transaction(() => forget(database, space, refused));
  for (const id of refused) space.refused.delete(id);
  // What lacks a vector is looked for behind it.
  space.completeUpTo = Math.min(space.completeUpTo, ...refused.map((id) => id - 1));
  return refused;
}

/** Within the transaction that gives these passages vectors. What is in memory follows when it is done. */
export function takeBackRefusals({ database }: EmbeddedState, space: SpaceEntry, passageIds: readonly number[]): void {
  const refused = passageIds.filter((id) => space.refused.has(id));
  forget(database, space, refused);
}

function forget(database: Database, { rowId }: SpaceEntry, passageIds: readonly number[]): void {
  for (const id of passageIds) database.run("DELETE FROM refused_passage WHERE space = ? AND passage = ?", rowId, id);
}

/** A condition, as SQL over a passage's ID: whether it is refused in the space. */
export function isRefused(spaceRow: number, passage: string): string {
  return `EXISTS (SELECT 1 FROM refused_passage r WHERE r.passage = ${passage} AND r.space = ${spaceRow})`;
}
