import type { LegKind } from "./fusion.ts";
import type { LegOutcome, LegReason, LegReport } from "./leg.ts";

/** What a source searches with. A hybrid source has a keyword and a vector leg, every other one leg. */
export type SourceKind = "hybrid" | "keyword" | "vector" | "graph";

/** A source is configuration: a name that requests may give, and what is behind it. */
export interface Source {
  readonly name: string;
  readonly kind: SourceKind;
  /** The collections that it searches, by name. Default: all of the tenant. */
  readonly collections?: readonly string[];
  /** What its scores are multiplied by in the fusion, above 0; only how weights relate to each other matters. Default: 1. */
  readonly weight?: number;
  /** How long each of its legs may take. Default: the time limit of legs. */
  readonly timeLimitMs?: number;
  /** Whether requests that name no source ask it; a graph only where the tenant has one. Default: true. */
  readonly byDefault?: boolean;
}

/** How one source went. */
export interface SourceReport {
  readonly source: string;
  readonly kind: SourceKind;
  /** `ok` when all its legs are, `failed` or `skipped` when none gave anything, else `partial`. */
  readonly status: LegReport["status"];
  /** Undefined if and only if the status is `ok`. */
  readonly reason: LegReason | undefined;
  /** From the start of its first leg to the end of its last. */
  readonly elapsedMs: number;
  /** Different passages that it gave to the fusion. */
  readonly passageCount: number;
  readonly weight: number;
}

/** The caller named a source that is not configured. */
export class UnknownSourceError extends Error {
  readonly source: string;
  readonly known: readonly string[];
  constructor(source: string, known: readonly string[]) {
    super(`unknown source ${source}`);
    this.source = source;
    this.known = known;
  }
}

export const weightOf = ({ weight = 1 }: Source): number => weight;

const legsOfKind: Readonly<Record<SourceKind, readonly LegKind[]>> = {
  hybrid: ["keyword", "vector"],
  keyword: ["keyword"],
  vector: ["vector"],
  graph: ["graph"],
};

/** The legs that a source of the kind has. */
export const legKindsOf = ({ kind }: Source): readonly LegKind[] => legsOfKind[kind];

/**
 * The sources named, in that order; those that are asked by default when none is.
 *
 * @throws {UnknownSourceError}
 */
export function chooseSources(names: readonly string[], sources: readonly Source[]): readonly Source[] {
  if (names.length === 0) return sources.filter(({ byDefault = true }) => byDefault);
  return names.map((name) => {
    const source = sources.find((candidate) => candidate.name === name);
    if (source !== undefined) return source;
    throw new UnknownSourceError(
      name,
      sources.map((known) => known.name),
    );
  });
}

/** What became of a source whose legs ended so. */
export function reportSource(source: Source, legs: readonly LegOutcome[]): SourceReport {
  const usable = legs.filter(({ status }) => status === "ok" || status === "partial");
  const failed = legs.find(({ status }) => status === "failed");
  const lacking = failed ?? legs.find(({ status }) => status !== "ok");
  return {
    source: source.name,
    kind: source.kind,
    status:
      usable.length > 0 ? (lacking === undefined ? "ok" : "partial") : failed === undefined ? "skipped" : "failed",
    reason: lacking?.reason,
    elapsedMs: spanOf(legs),
    passageCount: new Set(legs.flatMap(({ hits }) => hits.map(({ passageId }) => passageId))).size,
    weight: weightOf(source),
  };
}

function spanOf(legs: readonly LegOutcome[]): number {
  const run = legs.filter(({ startedAt }) => startedAt !== undefined);
  if (run.length === 0) return 0;
  const starts = run.map(({ startedAt }) => startedAt!);
  return Math.max(...run.map(({ startedAt, elapsedMs }) => startedAt! + elapsedMs)) - Math.min(...starts);
}
