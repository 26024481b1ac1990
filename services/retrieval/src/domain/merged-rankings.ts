import type { FusedHit, LegKind } from "./fusion.ts";
import type { Hit, LegResult } from "./keyword-index.ts";
import type { LegStart } from "./page-start.ts";
import { beginning, comparePlaces, type Place, type RankingPart } from "./place.ts";

/** The ranking of one leg, to be read from a place on. */
export interface Ranking {
  readonly source: string;
  readonly leg: LegKind;
  readonly start: LegStart;
  readonly read: (part: RankingPart & { readonly limit: number }) => Promise<LegResult>;
}

export interface MergedRankings {
  /** Further hits that were not given before, up to so many; fewer only at the end, or when far more had to be passed over. */
  next(count: number): Promise<readonly FusedHit[]>;
  /** Where the next page starts. */
  readonly starts: readonly LegStart[];
  /** The place that each has come to; undefined at its beginning. */
  readonly places: readonly (Place | undefined)[];
  readonly isAtEnd: boolean;
}

/** A part of a ranking grows up to this while all of it was given before. */
const mostPerPart = 1_000;
const leastPerPart = 100;
/** Parts read for one page: with `mostPerPart`, what bounds its time and memory. */
const maxParts = 8;

interface Reader {
  readonly ranking: Ranking;
  rank: number;
  last: (Place & { readonly passageId: number }) | undefined;
  isAtEnd: boolean;
  /** Read and not taken yet. */
  batch: readonly Hit[];
  position: number;
}

/**
 * Goes on through several rankings at once, the one that is least far first; equal ones in their order. A passage is given where it stands first.
 *
 * What was given is not remembered: it is all that stands before the place that some ranking has come to, and what `isFused` names. So whether
 * a passage of one ranking was given is asked of the others, which tell where it stands in them. This holds for any number of rankings whose
 * scores are the same whenever they are asked, and takes one part of each ranking, and one look at the passages of the others, a page.
 *
 * Where scores moved since the last page, as those of keywords do with any change, places are found again by the passage that held them.
 */
export async function mergeRankings(
  rankings: readonly Ranking[],
  isFused: (passageId: number) => boolean,
): Promise<MergedRankings> {
  const readers = await Promise.all(rankings.map(openReader));
  /** Known to have been given: by an earlier page, or taken by this one. */
  const given = new Set<number>();
  let partCount = 0;

  const readParts = async (wanted: number) => {
    const limit = Math.min(mostPerPart, Math.max(leastPerPart, wanted) * 2 ** partCount);
    partCount += 1;
    const empty = readers.filter((reader) => !reader.isAtEnd && isTaken(reader));
    await Promise.all(empty.map((reader) => readPart(reader, limit)));
    await Promise.all(readers.map((reader) => findGiven(reader, empty)));
  };

  /** Which of the passages that the others have just read stand before the reader's place. */
  const findGiven = async (reader: Reader, others: readonly Reader[]) => {
    const { last, ranking } = reader;
    if (last === undefined) return;
    const foreign = others.filter((other) => other !== reader).flatMap(({ batch }) => batch);
    const ids = new Set(foreign.map(({ passageId }) => passageId).filter((id) => !given.has(id) && !isFused(id)));
    if (ids.size === 0) return;
    const { hits } = await ranking.read({ passageIds: [...ids], limit: ids.size });
    for (const hit of hits) if (comparePlaces(hit, last) <= 0) given.add(hit.passageId);
  };

  const nextReader = async (wanted: number): Promise<Reader | undefined> => {
    for (;;) {
      const open = readers.filter((reader) => !reader.isAtEnd || !isTaken(reader));
      if (open.length === 0) return undefined;
      const reader = open.reduce((least, each) => (each.rank < least.rank ? each : least));
      if (!isTaken(reader)) return reader;
      if (partCount === maxParts) return undefined;
      await readParts(wanted);
    }
  };

  return {
    async next(count) {
      const found: FusedHit[] = [];
      while (found.length < count) {
        const reader = await nextReader(count - found.length);
        if (reader === undefined) break;
        const hit = take(reader);
        if (given.has(hit.passageId) || isFused(hit.passageId)) continue;
        given.add(hit.passageId);
        found.push(toFused(hit, reader));
      }
      return found;
    },
    get starts() {
      return readers.map(({ ranking, rank, last, isAtEnd, batch, position }) => ({
        ...ranking.start,
        rank,
        last: last && { score: last.score, passageId: last.passageId },
        isAtEnd: isAtEnd && position === batch.length,
      }));
    },
    get places() {
      return readers.map(({ last }) => last);
    },
    get isAtEnd() {
      return readers.every((reader) => reader.isAtEnd && isTaken(reader));
    },
  };
}

/** A passage that is gone leaves its score as the place: before all that score alike, so that none of them is missed. */
async function openReader(ranking: Ranking): Promise<Reader> {
  const { start, read } = ranking;
  const { rank, isAtEnd, last } = start;
  const reader = { ranking, rank, isAtEnd, batch: [], position: 0, last: undefined };
  if (last === undefined) return reader;
  const [found] = (await read({ passageIds: [last.passageId], limit: 1 })).hits;
  return { ...reader, last: found ?? { ...last, documentId: "", ordinal: -1 } };
}

async function readPart(reader: Reader, limit: number): Promise<void> {
  const { hits, partial } = await reader.ranking.read({ after: reader.last ?? beginning, limit });
  reader.batch = hits;
  reader.position = 0;
  // Some of a part may be missing although there are more.
  reader.isAtEnd = hits.length === 0 || (hits.length < limit && partial === undefined);
}

const isTaken = ({ batch, position }: Reader): boolean => position === batch.length;

function take(reader: Reader): Hit {
  const hit = reader.batch[reader.position]!;
  reader.position += 1;
  reader.rank += 1;
  reader.last = hit;
  return hit;
}

/** Behind all that was fused: its score is 0, and its order the rankings'. */
function toFused({ passageId, documentId, ordinal, score }: Hit, { ranking, rank }: Reader): FusedHit {
  const { source, leg } = ranking;
  return { passageId, documentId, ordinal, score: 0, ranks: [{ source, leg, rank, rawScore: score }] };
}
