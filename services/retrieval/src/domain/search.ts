import { createSingleFlight } from "@quartet/cache";
import type { Collection } from "./collection.ts";
import { canMatchCollection } from "./filter-scope.ts";
import { fuse } from "./fusion.ts";
import { failedLeg, type Leg, type LegOutcome, runLeg } from "./leg.ts";
import { type KeyedSearch, searchKey } from "./search-key.ts";
import { legsOf, type StoreGuards, unguarded } from "./search-legs.ts";
import { createSearchRecord, NothingToAskError, readPage } from "./search-record.ts";
import type { SearchRequest, SearchResult } from "./search-request.ts";
import type { Stores } from "./stores.ts";

/** A source is configuration: a name that requests may give, and what is behind it. */
export interface Source {
  readonly name: string;
  /** A hybrid source has a keyword and a vector leg. */
  readonly kind: "hybrid";
}

export interface SearcherOptions {
  readonly stores: Stores;
  /** What stands before each store. Default: nothing, for stores that are part of this process. */
  readonly guards?: StoreGuards;
  readonly sources: readonly Source[];
  /** The most a leg may take, within what the call has left; and the most that one reading of the record may take. */
  readonly legTimeLimitMs: number;
  /** How long the oldest change has waited for the keyword index; asked only about a collection that lags. Default: no time. Never rejects. */
  readonly keywordLagMs?: () => number | Promise<number>;
  /** Told once of each leg that was run, for metrics and logs. */
  readonly onLeg?: (outcome: LegOutcome) => void;
  /** Told why the record could not be asked where the projection answers in its place, for logs. */
  readonly onRecordError?: (error: unknown) => void;
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

/** Nothing answered, and at least one leg failed or stood behind an open breaker. */
export class AllSourcesFailedError extends Error {
  readonly legs: readonly LegOutcome[];
  constructor(legs: readonly LegOutcome[]) {
    super("no source could be searched", { cause: legs.find(({ error }) => error !== undefined)?.error });
    this.legs = legs;
  }
}

/** Changes reach the keyword index within a second or so: only what waits longer than this is worth a word. */
const keywordLagLimitMs = 5_000;

/** Kept back from what the call has left, for fusing and reading passages after the legs. */
const reserveMs = (grantMs: number) => Math.min(50, grantMs * 0.1);

/** One search with all that its legs are made from. */
interface Asked extends KeyedSearch {
  readonly recordError: unknown;
}

/** When the legs, and when the whole search, must have ended, on the monotonic clock. */
interface Deadlines {
  readonly legsAt: number;
  readonly endAt: number;
}

const whenever: Deadlines = { legsAt: Infinity, endAt: Infinity };

/**
 * Equal searches in flight are one, whose legs end when the last of those who wait for it has left.
 *
 * Throws UnknownSourceError, QueryVectorError, AllSourcesFailedError, the signal's reason when aborted, and what the record throws where
 * there is no projection.
 */
export function createSearcher(options: SearcherOptions): Searcher {
  const { stores, guards = unguarded(), sources, legTimeLimitMs, onLeg, onRecordError } = options;
  const record = createSearchRecord({ stores, guards, storeLimitMs: legTimeLimitMs, onRecordError });
  const flights = createSingleFlight<string, SearchResult>(() => {});

  const runLegs = async (legs: readonly Leg[], sequential: boolean, signal: AbortSignal, legsAt: number) => {
    const run = async (leg: Leg) => {
      const limitMs = Math.min(legTimeLimitMs, legsAt - performance.now());
      const outcome = await runLeg(leg, { signal, limitMs });
      onLeg?.(outcome);
      return outcome;
    };
    return sequential ? inTurn(legs, run) : Promise.all(legs.map(run));
  };

  const answer = async (asked: Asked, signal: AbortSignal, { legsAt, endAt }: Deadlines): Promise<SearchResult> => {
    const { tenant, request, collections, recordError } = asked;
    const keywordsLag = collections.some(lags) && ((await options.keywordLagMs?.()) ?? 0) > keywordLagLimitMs;
    const parts = { stores, guards, collections, recordError, keywordsLag };
    const legs = sourcesOf(request.sources, sources).flatMap(({ name }) => legsOf(name, tenant, request, parts));
    const outcomes = await runLegs(legs, request.execution === "sequential", signal, legsAt);
    const answered = outcomes.filter(({ status }) => status === "ok" || status === "partial");
    if (answered.length === 0 && outcomes.some(couldNotBeAsked)) throw new AllSourcesFailedError(outcomes);
    const vectorWeight = request.vectorWeight ?? weightOf(request, collections);
    const fused = fuse(answered, { method: request.fusion, vectorWeight }).slice(0, request.candidateLimit);
    const page = await readPage(fused, request.pageSize, (ids) => {
      const limitMs = Math.min(legTimeLimitMs, endAt - performance.now());
      return record.passages(tenant, ids, { signal, limitMs });
    });
    return {
      passages: page.passages,
      legs: outcomes,
      withoutRecord: recordError !== undefined || page.fromProjection,
      collections: collections.map(({ state }) => state),
    };
  };

  return async (tenant, request, { signal, grantMs }) => {
    const asked = sourcesOf(request.sources, sources);
    const startedAt = performance.now();
    const endAt = grantMs === undefined ? Infinity : startedAt + grantMs;
    const legsAt = grantMs === undefined ? Infinity : endAt - reserveMs(grantMs);
    // The legs come after it: it gets no more than half.
    const limitMs = (legsAt - startedAt) / 2;
    const { collections: all, recordError } = await record.collections(tenant, { signal, limitMs }).catch((error) => {
      throw asIfAllWereAsked(error, request, asked, onLeg);
    });
    const collections = all.filter(({ state }) => canMatchCollection(request.filter, state.collection));
    checkVector(request, collections);
    const search: Asked = { tenant, request, collections, recordError };
    // Shared by those with time enough for every limit of its parts, so that nobody is given less for another's hurry.
    const rounds = request.execution === "sequential" ? 2 * asked.length : 1;
    const isPatient = legsAt - performance.now() > (rounds + 1) * legTimeLimitMs;
    if (!isPatient) return answer(search, signal, { legsAt, endAt });
    const key = searchKey(search);
    const results = await flights.run([key], async (_, shared) => [await answer(search, shared, whenever)], signal);
    return results.get(key)!;
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

/** Where neither the record nor the projection answers, no leg can: the search ends as if each had been asked. */
function asIfAllWereAsked(
  error: unknown,
  { fusion }: SearchRequest,
  asked: readonly Source[],
  onLeg: SearcherOptions["onLeg"],
): unknown {
  if (!(error instanceof NothingToAskError)) return error;
  const outcomes = asked.flatMap(({ name: source }) => [
    ...(fusion === "vector-only" ? [] : [failedLeg({ source, leg: "keyword" }, error.projectionError)]),
    ...(fusion === "keyword-only" ? [] : [failedLeg({ source, leg: "vector" }, error.recordError)]),
  ]);
  outcomes.forEach((outcome) => onLeg?.(outcome));
  return new AllSourcesFailedError(outcomes);
}

const lags = ({ state }: Collection): boolean => state.projectedSeq < state.recordSeq;

const couldNotBeAsked = ({ status, reason }: LegOutcome): boolean => status === "failed" || reason === "CIRCUIT_OPEN";

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
