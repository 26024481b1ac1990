import type { Collection, CollectionState } from "./collection.ts";
import type { StoredPassage } from "./document.ts";
import type { Filter } from "./filter.ts";
import { canMatchCollection } from "./filter-scope.ts";
import { type FusedHit, fuse, type FusionMethod, type LegRank } from "./fusion.ts";
import type { PartialReason } from "./keyword-index.ts";
import { type Leg, type LegOutcome, type LegReason, runLeg } from "./leg.ts";
import type { Stores } from "./stores.ts";
import type { EncodedVector } from "./vector.ts";

export interface SearchRequest {
  readonly query: string;
  /** The query's vector with its space; vector legs are skipped without. */
  readonly vector: { readonly value: EncodedVector; readonly spaceId: string } | undefined;
  readonly filter: Filter | undefined;
  /** The sources to ask; all if empty. */
  readonly sources: readonly string[];
  readonly pageSize: number;
  /** How many hits each leg gives to the fusion. */
  readonly keywordLimit: number;
  readonly vectorLimit: number;
  readonly fusion: FusionMethod;
  /** The weight of vector legs in convex fusion; the space's if undefined. */
  readonly vectorWeight: number | undefined;
  readonly execution: "parallel" | "sequential";
}

export interface FoundPassage extends StoredPassage {
  readonly score: number;
  readonly ranks: readonly LegRank[];
}

export interface SearchResult {
  readonly passages: readonly FoundPassage[];
  readonly legs: readonly LegOutcome[];
  /** The collections asked, as they stood before the search. */
  readonly collections: readonly CollectionState[];
}

/** A source is configuration: a name that requests may give, and what is behind it. */
export interface Source {
  readonly name: string;
  /** A hybrid source has a keyword and a vector leg. */
  readonly kind: "hybrid";
}

export interface SearcherOptions {
  readonly stores: Stores;
  readonly sources: readonly Source[];
  /** The most a leg may take, within what the call has left. */
  readonly legTimeLimitMs: number;
}

export interface SearchCall {
  readonly signal: AbortSignal;
  /** What the call has left; undefined when it has no deadline. */
  readonly grantMs?: number | undefined;
}

/** Searches with every leg of every source asked for, and fuses what came back. */
export type Searcher = (tenant: string, request: SearchRequest, call: SearchCall) => Promise<SearchResult>;

/** The caller named a source that is not configured. */
export class UnknownSourceError extends Error {
  readonly source: string;
  constructor(source: string) {
    super(`unknown source ${source}`);
    this.source = source;
  }
}

/** The query's vector is not as long as the space's are. */
export class QueryVectorError extends Error {
  readonly dimensions: number;
  constructor(dimensions: number) {
    super(`the query's vector needs ${dimensions} components`);
    this.dimensions = dimensions;
  }
}

/** Nothing answered, and at least one leg failed. */
export class AllSourcesFailedError extends Error {
  readonly legs: readonly LegOutcome[];
  constructor(legs: readonly LegOutcome[]) {
    super("no source could be searched", { cause: legs.find(({ error }) => error !== undefined)?.error });
    this.legs = legs;
  }
}

/** Kept back from what the call has left, for fusing and reading passages after the legs. */
const reserveMs = (grantMs: number) => Math.min(50, grantMs * 0.1);

/** Throws UnknownSourceError, QueryVectorError, AllSourcesFailedError, the signal's reason when aborted, and what the record throws. */
export function createSearcher({ stores, sources, legTimeLimitMs }: SearcherOptions): Searcher {
  return async (tenant, request, { signal, grantMs }) => {
    const asked = sourcesOf(request.sources, sources);
    const deadline = grantMs === undefined ? Infinity : performance.now() + grantMs - reserveMs(grantMs);
    const all = await stores.records.collections(tenant, { signal });
    const collections = all.filter(({ state }) => canMatchCollection(request.filter, state.collection));
    checkVector(request, collections);
    const legs = asked.flatMap(({ name }) => legsOf(name, tenant, request, { stores, collections }));
    const run = (leg: Leg) => runLeg(leg, { signal, limitMs: Math.min(legTimeLimitMs, deadline - performance.now()) });
    const outcomes = request.execution === "parallel" ? await Promise.all(legs.map(run)) : await inTurn(legs, run);
    const answered = outcomes.filter(({ status }) => status === "ok" || status === "partial");
    if (answered.length === 0 && outcomes.some(({ status }) => status === "failed")) {
      throw new AllSourcesFailedError(outcomes);
    }
    const vectorWeight = request.vectorWeight ?? weightOf(request, collections);
    const fused = fuse(answered, { method: request.fusion, vectorWeight });
    return {
      passages: await readPassages(fused, request.pageSize, (ids) => stores.records.passages(tenant, ids, { signal })),
      legs: outcomes,
      collections: collections.map(({ state }) => state),
    };
  };
}

function sourcesOf(names: readonly string[], sources: readonly Source[]): readonly Source[] {
  if (names.length === 0) return sources;
  return names.map((name) => {
    const source = sources.find((candidate) => candidate.name === name);
    if (source === undefined) throw new UnknownSourceError(name);
    return source;
  });
}

interface LegParts {
  readonly stores: Stores;
  readonly collections: readonly Collection[];
}

function legsOf(source: string, tenant: string, request: SearchRequest, parts: LegParts): Leg[] {
  const { query: text, filter, fusion, keywordLimit, vectorLimit, vector } = request;
  const keyword: Leg = {
    source,
    leg: "keyword",
    run: (signal) => {
      const collections = parts.collections.map(({ state }) => state.collection);
      return parts.stores.keywords.search(tenant, { text, collections, filter, limit: keywordLimit }, { signal });
    },
  };
  const { collections, skip, partial } = vectorScope(vector?.spaceId, parts.collections);
  const nearest: Leg = {
    source,
    leg: "vector",
    ...(skip === undefined ? {} : { skip }),
    ...(partial === undefined ? {} : { partial }),
    run: async (signal) => {
      if (vector === undefined || collections.length === 0) return { hits: [] };
      const { value, spaceId } = vector;
      return parts.stores.vectors.search(
        tenant,
        { vector: value, spaceId, collections, filter, limit: vectorLimit },
        { signal },
      );
    },
  };
  if (fusion === "keyword-only") return [keyword];
  return fusion === "vector-only" ? [nearest] : [keyword, nearest];
}

interface VectorScope {
  readonly collections: readonly string[];
  readonly skip?: LegReason;
  readonly partial?: PartialReason;
}

/** Which collections a vector of that space can be compared with, and what is missing. */
function vectorScope(spaceId: string | undefined, collections: readonly Collection[]): VectorScope {
  if (spaceId === undefined) return { collections: [], skip: "NO_QUERY_VECTOR" };
  const filled = collections.filter(({ passageCount }) => passageCount > 0);
  const comparable = filled.filter(({ active }) => active?.space.id === spaceId);
  const isOther = filled.some(({ active }) => active !== undefined && active.space.id !== spaceId);
  const isPending = filled.some(({ active, passageCount }) => (active?.vectorCount ?? 0) < passageCount);
  const names = comparable.map(({ state }) => state.collection);
  const lack = isOther ? "EMBEDDING_SPACE_MISMATCH" : isPending ? "VECTORS_PENDING" : undefined;
  if (lack === undefined) return { collections: names };
  return comparable.length === 0 ? { collections: [], skip: lack } : { collections: names, partial: lack };
}

function checkVector({ vector }: SearchRequest, collections: readonly Collection[]): void {
  for (const { active } of collections) {
    if (vector === undefined || active?.space.id !== vector.spaceId) continue;
    const { dimensions } = active.space;
    if (vector.value.values.length !== dimensions) throw new QueryVectorError(dimensions);
  }
}

function weightOf({ vector }: SearchRequest, collections: readonly Collection[]): number {
  const spaces = collections.map(({ active }) => active?.space);
  return spaces.find((space) => space !== undefined && space.id === vector?.spaceId)?.denseWeight ?? 0;
}

async function inTurn(legs: readonly Leg[], run: (leg: Leg) => Promise<LegOutcome>): Promise<LegOutcome[]> {
  const outcomes: LegOutcome[] = [];
  for (const leg of legs) outcomes.push(await run(leg));
  return outcomes;
}

/** The first `pageSize` that still exist: what was deleted since the legs ran gives its place to the next. */
async function readPassages(
  fused: readonly FusedHit[],
  pageSize: number,
  read: (ids: readonly number[]) => Promise<ReadonlyMap<number, StoredPassage>>,
): Promise<FoundPassage[]> {
  const found: FoundPassage[] = [];
  for (let next = 0; next < fused.length && found.length < pageSize;) {
    const batch = fused.slice(next, next + pageSize - found.length);
    next += batch.length;
    const passages = await read(batch.map(({ passageId }) => passageId));
    for (const { passageId, score, ranks } of batch) {
      const passage = passages.get(passageId);
      if (passage !== undefined) found.push({ ...passage, score, ranks });
    }
  }
  return found;
}
