import { compareCodePoints } from "./code-point-order.ts";
import type { Hit } from "./keyword-index.ts";

export type FusionMethod = "convex" | "rrf" | "keyword-only" | "vector-only";
export type LegKind = "keyword" | "vector";

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

/**
 * Makes the rankings of several legs one, best first; ties by document ID, then ordinal. A passage that a leg names twice counts where it
 * stands first; a hit whose score is no finite number is left out.
 *
 * - `convex`: (1 - a) x BM25 / its maximum + a x cosine scaled min-max over the leg's hits, a = `vectorWeight`
 *   (Bruch, Gai, Ingber: An Analysis of Fusion Functions for Hybrid Retrieval, TOIS 2023). A leg's hit that another leg lacks gets 0 from it.
 * - `rrf`: the sum of 1 / (60 + rank), over the greatest sum there could be.
 * - `keyword-only`, `vector-only`: that leg's part of `convex`.
 *
 * Legs that are not here (skipped or failed) lose their weight to the others, so that the best possible score stays 1.
 */
export function fuse(
  legs: readonly LegHits[],
  { method, vectorWeight }: { readonly method: FusionMethod; readonly vectorWeight: number },
): FusedHit[] {
  const weights = legs.map(({ leg }) => legWeight(leg, method, vectorWeight));
  const totalWeight = weights.reduce((total, weight) => total + weight, 0);
  const fused = new Map<number, { hit: Hit; score: number; ranks: LegRank[] }>();
  legs.forEach(({ source, leg, hits }, index) => {
    // With no weight at all, as with vectors alone at weight 0, the legs that are here count alike.
    const weight = totalWeight > 0 ? weights[index]! / totalWeight : 1 / legs.length;
    const usable = firstOfEach(hits);
    const scaled = method === "rrf" ? byRank : leg === "keyword" ? byMaximum(usable) : byRange(usable);
    usable.forEach((hit, position) => {
      const rank = position + 1;
      const entry = fused.get(hit.passageId) ?? { hit, score: 0, ranks: [] };
      fused.set(hit.passageId, entry);
      entry.score += weight * scaled(hit, rank);
      entry.ranks.push({ source, leg, rank, rawScore: hit.score });
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

function legWeight(leg: LegKind, method: FusionMethod, vectorWeight: number): number {
  if (method !== "convex") return 1;
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
