import { createGiveWay } from "@quartet/turns";
import { type CollectionEntry, spaceIn, type SpaceEntry } from "./catalogue.ts";
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
  if (lacking.length === 0) return 0;
  const sql = "INSERT INTO refused_passage (space, passage) VALUES (?, ?)";
  database.transaction(() => lacking.forEach((id) => database.run(sql, space.rowId, id)));
  for (const id of lacking) space.refused.add(id);
  return lacking.length;
}

/** Within the transaction that gives these passages vectors. What is in memory follows when it is done. */
export function takeBackRefusals({ database }: EmbeddedState, space: SpaceEntry, passageIds: readonly number[]): void {
  if (space.refused.size === 0) return;
  const sql = "DELETE FROM refused_passage WHERE space = ? AND passage = ?";
  for (const id of passageIds) if (space.refused.has(id)) database.run(sql, space.rowId, id);
}

/** A condition, as SQL over a passage's ID: whether it is refused in the space. */
export function isRefused(spaceRow: number, passage: string): string {
  return `EXISTS (SELECT 1 FROM refused_passage r WHERE r.passage = ${passage} AND r.space = ${spaceRow})`;
}
