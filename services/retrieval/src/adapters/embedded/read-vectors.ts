import { type CollectionEntry, type SpaceEntry, spacesOf } from "./catalogue.ts";
import type { EmbeddedState } from "./state.ts";
import { decodeVector, type VectorRow } from "./vector-codec.ts";

/** A space of an opened store whose vectors are to be read. */
export interface UnreadSpace {
  readonly collection: CollectionEntry;
  readonly space: SpaceEntry;
}

/**
 * Reads the vectors of spaces step by step, those that are searched first. Each step asks the file anew, and puts into memory what it
 * says at that moment: a vector that was changed or deleted since the store was opened never comes back. Throws nothing: searches of a
 * space that cannot be read fail, and the rest goes on.
 */
export function* readVectors(
  state: EmbeddedState,
  spaces: readonly UnreadSpace[],
  { bytesPerStep }: { readonly bytesPerStep: number },
): Generator<void, void, void> {
  const isActive = ({ collection, space }: UnreadSpace) => collection.active === space;
  const ordered = [...spaces.filter(isActive), ...spaces.filter((unread) => !isActive(unread))];
  try {
    for (const unread of ordered) yield* readSpace(state, unread, bytesPerStep);
  } finally {
    // Where the store was closed before.
    for (const { space } of ordered) space.vectors.endReading(new Error("the store was closed"));
  }
}

function* readSpace(
  { database }: EmbeddedState,
  { collection, space }: UnreadSpace,
  bytesPerStep: number,
): Generator<void, void, void> {
  const { vectors, rowId } = space;
  const { dimensions, kind } = space.space;
  const limit = Math.max(1, Math.floor(bytesPerStep / (dimensions * (kind === "hashed" ? 1 : 4))));
  const sql = `SELECT passage, scale, components FROM vector_${rowId} WHERE passage > ? ORDER BY passage LIMIT ?`;
  interface Row extends VectorRow {
    readonly passage: number;
  }
  let after = 0;
  try {
    // A space that was left meanwhile has no table any longer.
    while (spacesOf(collection).includes(space)) {
      const rows = database.all<Row>(sql, after, limit);
      for (const { passage, ...row } of rows) {
        vectors.read(collection.tenant.passages.get(passage)!.slot, decodeVector(row));
      }
      if (rows.length < limit) break;
      after = rows.at(-1)!.passage;
      yield;
    }
    vectors.endReading();
  } catch (error) {
    vectors.endReading(error);
  }
}
