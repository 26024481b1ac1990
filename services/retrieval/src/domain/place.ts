import { compareCodePoints } from "./code-point-order.ts";

/** Where a hit stands in its leg. */
export interface Place {
  readonly score: number;
  readonly documentId: string;
  readonly ordinal: number;
}

/** Before all hits: behind it a ranking is whole, and exact. */
export const beginning: Place = { score: 2 ** 127, documentId: "", ordinal: -1 };

/** The order of every leg: best first; ties by document ID, then ordinal. Negative when `left` comes first; 0 for the same place alone. */
export function comparePlaces(left: Place, right: Place): number {
  return right.score - left.score || compareTies(left, right);
}

/** The order of equal scores. */
export function compareTies(left: Omit<Place, "score">, right: Omit<Place, "score">): number {
  return compareCodePoints(left.documentId, right.documentId) || left.ordinal - right.ordinal;
}

/**
 * A part of a leg's ranking. What is found so is exact, whatever index there is: as long as nothing is changed, parts that begin where the one
 * before ended are the whole ranking together, and a passage has the same score in every part.
 */
export interface RankingPart {
  /** Only what comes after this place. Of a passage that is gone by now, too. */
  readonly after?: Place | undefined;
  /** Only these passages, as far as the leg finds them at all. */
  readonly passageIds?: readonly number[] | undefined;
}
