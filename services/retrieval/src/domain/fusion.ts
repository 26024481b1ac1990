import { compareCodePoints } from "./code-point-order.ts";
import type { Hit } from "./keyword-index.ts";

export type FusionMethod = "convex" | "rrf" | "keyword-only" | "vector-only";
export type LegKind = "keyword" | "vector" | "graph";

/** The hits of one leg of one source, best first. */
export interface LegHits {
  readonly source: string;
  readonly leg: LegKind;
  readonly hits: readonly Hit[];
}

/** A passage's place in one leg. */
export interface LegRank {
  readonly source: string;
  readonly leg: LegKind;
  /** From 1. */
  readonly rank: number;
  readonly rawScore: number;
  /** Of a graph's leg: how it was found. */
  readonly path?: readonly string[];
}

export interface FusedHit {
  readonly passageId: number;
  readonly documentId: string;
  readonly ordinal: number;
  /** In [0, 1]; comparable within one result. */
  readonly score: number;
  readonly ranks: readonly LegRank[];
}

/** Cormack, Clarke, Büttcher: Reciprocal Rank Fusion outperforms Condorcet and individual rank learning methods (SIGIR 2009). */
const rrfConstant = 60;

export interface FusionOptions {
  readonly method: FusionMethod;
  /** What a vector leg weighs beside a keyword leg in `convex`, in [0, 1]. */
  readonly vectorWeight: number;
  /** By source, above 0. Default: 1 each. */
  readonly sourceWeights?: ReadonlyMap<string, number>;
}

/**
 * Makes the rankings of several legs one, best first; ties by document ID, then ordinal. A passage that a leg names twice counts where it
 * stands first; a hit whose score is no finite number is left out.
 *
 * Each source weighs its legs, as if it were alone:
 *
 * - `convex`: (1 - a) x BM25 / its maximum + a x cosine scaled min-max over the leg's hits, a = `vectorWeight`
 *   (Bruch, Gai, Ingber: An Analysis of Fusion Functions for Hybrid Retrieval, TOIS 2023). A leg's hit that another leg lacks gets 0 from it.
 *   What a graph found is divided by its maximum.
 * - `rrf`: the sum of 1 / (60 + rank), over the greatest sum there could be.
 * - `keyword-only`, `vector-only`: that leg's part of `convex`.
 *
 * Legs that are not here (skipped or failed) lose their weight to the other legs of their source. Then the sources are added up by their
 * weights; those that are not here, and those that found nothing at all, lose theirs to the others. So the best possible score is always 1.
 */
export function fuse(legs: readonly LegHits[], options: FusionOptions): FusedHit[] {
  const usable = legs.map((leg) => ({ ...leg, hits: firstOfEach(leg.hits) }));
  const weights = weigh(usable, options);
  const fused = new Map<number, { hit: Hit; score: number; ranks: LegRank[] }>();
  usable.forEach(({ source, leg, hits }, index) => {
    const scaled = options.method === "rrf" ? byRank : leg === "vector" ? byRange(hits) : byMaximum(hits);
    hits.forEach((hit, position) => {
      const rank = position + 1;
      const entry = fused.get(hit.passageId) ?? { hit, score: 0, ranks: [] };
      fused.set(hit.passageId, entry);
      entry.score += weights[index]! * scaled(hit, rank);
      const { score: rawScore, path } = hit;
      entry.ranks.push({ source, leg, rank, rawScore, ...(path && { path }) });
    });
  });
  return [...fused.values()]
    .map(({ hit, score, ranks }) => ({
      passageId: hit.passageId,
      documentId: hit.documentId,
      ordinal: hit.ordinal,
      // Weights that do not add up to 1 exactly may end a hair above it.
      score: Math.min(1, Math.max(0, score)),
      ranks,
    }))
    .sort(comparePlaces);
}

function comparePlaces(left: FusedHit, right: FusedHit): number {
  return (
    right.score - left.score ||
    compareCodePoints(left.documentId, right.documentId) ||
    left.ordinal - right.ordinal ||
    left.passageId - right.passageId
  );
}

/** What each leg weighs in the whole; those of the sources that found something add up to 1. */
function weigh(legs: readonly LegHits[], { method, vectorWeight, sourceWeights }: FusionOptions): readonly number[] {
  const found = new Set(legs.filter(({ hits }) => hits.length > 0).map(({ source }) => source));
  const sourceWeight = (source: string) => (found.has(source) ? (sourceWeights?.get(source) ?? 1) : 0);
  const total = sum([...found].map(sourceWeight));
  return legs.map(({ source, leg }) => {
    const siblings = legs.filter((other) => other.source === source).map((other) => other.leg);
    const within = sum(siblings.map((sibling) => legWeight(sibling, method, vectorWeight)));
    // With no weight at all, as with vectors alone at weight 0, the legs that are here count alike.
    const share = within > 0 ? legWeight(leg, method, vectorWeight) / within : 1 / siblings.length;
    return total > 0 ? (share * sourceWeight(source)) / total : 0;
  });
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

function legWeight(leg: LegKind, method: FusionMethod, vectorWeight: number): number {
  if (method !== "convex" || leg === "graph") return 1;
  return leg === "vector" ? vectorWeight : 1 - vectorWeight;
}

function firstOfEach(hits: readonly Hit[]): readonly Hit[] {
  const seen = new Set<number>();
  return hits.filter(({ passageId, score }) => {
    if (!Number.isFinite(score) || seen.has(passageId)) return false;
    seen.add(passageId);
    return true;
  });
}

type Scale = (hit: Hit, rank: number) => number;

const byRank: Scale = (_hit, rank) => (rrfConstant + 1) / (rrfConstant + rank);

function byMaximum(hits: readonly Hit[]): Scale {
  const maximum = hits.reduce((most, { score }) => Math.max(most, score), 0);
  return ({ score }) => (maximum > 0 ? Math.max(0, score) / maximum : 0);
}

function byRange(hits: readonly Hit[]): Scale {
  const scores = hits.map(({ score }) => score);
  // Halved, so that the difference of two finite numbers stays one.
  const minimum = Math.min(...scores) / 2;
  const range = Math.max(...scores) / 2 - minimum;
  return ({ score }) => (range > 0 ? (score / 2 - minimum) / range : 1);
}
