import { createSingleFlight } from "@quartet/cache";
import type { Collection } from "./collection.ts";
import { canMatchCollection } from "./filter-scope.ts";
import { failedLeg, type LegOutcome } from "./leg.ts";
import type { ResultCache } from "./result-cache.ts";
import { type Deadlines, deadlinesOf, longestMs, whenever } from "./search-deadlines.ts";
import { AllSourcesFailedError, NoLegsError, QueryVectorError } from "./search-errors.ts";
import { createGraphChoice } from "./search-graph.ts";
import { searchKey } from "./search-key.ts";
import { legKindsFor, type StoreGuards, unguarded } from "./search-legs.ts";
import { type AskedSearch, createPages } from "./search-pages.ts";
import { createSearchRecord, NothingToAskError } from "./search-record.ts";
import type { SearchRequest, SearchResult } from "./search-request.ts";
import type { Reranking } from "./search-rerank.ts";
import { chooseSources, type Source } from "./source.ts";
import type { Stores } from "./stores.ts";

export interface SearcherOptions {
  readonly stores: Stores;
  /** What stands before each store. Default: nothing, for stores that are part of this process. */
  readonly guards?: StoreGuards;
  readonly sources: readonly Source[];
  /** The most a leg may take whose source says nothing of it, within what the call has left; and the most that one reading of the record may take. */
  readonly legTimeLimitMs: number;
  /** Orders what the fusion found anew. Default: none. */
  readonly reranking?: Reranking | undefined;
  /** Keeps whole results. Default: none are kept. */
  readonly results?: ResultCache | undefined;
  /** How long the oldest change has waited for the keyword index; asked only about a collection that lags. Default: no time. Never rejects. */
  readonly keywordLagMs?: () => number | Promise<number>;
  /** Told of each leg as it ends, for metrics and logs. */
  readonly onLeg?: (outcome: LegOutcome) => void;
  /** Told why the record could not be asked where the projection answers in its place, for logs. */
  readonly onRecordError?: (error: unknown) => void;
  /** Told why passages were not reranked, for logs. */
  readonly onRerankError?: (error: unknown) => void;
}

export interface SearchCall {
  readonly signal: AbortSignal;
  /** What the call has left; undefined when it has no deadline. */
  readonly grantMs?: number | undefined;
}

/** Searches with every leg of every source asked for, and fuses what came back. */
export type Searcher = (tenant: string, request: SearchRequest, call: SearchCall) => Promise<SearchResult>;

/**
 * Equal searches in flight are one, whose legs end when the last of those who wait for it has left.
 *
 * Throws UnknownSourceError, NoLegsError, QueryVectorError, AllSourcesFailedError, the signal's reason when aborted, and what the record throws
 * where there is no projection.
 */
export function createSearcher(options: SearcherOptions): Searcher {
  const { stores, guards = unguarded(), sources, legTimeLimitMs, reranking, results, onLeg } = options;
  const record = createSearchRecord({
    stores,
    guards,
    storeLimitMs: legTimeLimitMs,
    onRecordError: options.onRecordError,
  });
  const flights = createSingleFlight<string, SearchResult>(() => {});
  const rerankerId = reranking?.reranker.id;
  const graph = createGraphChoice({ stores, guards });
  const pages = createPages({ ...options, guards, record });

  /** From the cache where the request allows it, else searched and, if whole, kept. */
  const find = async (
    asked: AskedSearch,
    key: string,
    signal: AbortSignal,
    deadlines: Deadlines,
  ): Promise<SearchResult> => {
    const { cacheUse } = asked.request;
    if (results === undefined || cacheUse === "bypass") return pages.first(asked, signal, deadlines);
    const { recordError: _, existing: __, ...keyed } = asked;
    const search = { ...keyed, key };
    const kept = cacheUse === "read-write" ? await results.get(search, { signal }) : undefined;
    if (kept !== undefined) return { ...kept, cached: true };
    const result = await pages.first(asked, signal, deadlines);
    if (isWhole(result)) results.put(search, result);
    return result;
  };

  return async (tenant, request, { signal, grantMs }) => {
    const startedAt = performance.now();
    const deadlines = deadlinesOf(startedAt, grantMs, reranking);
    const wanted = chooseSources(request.sources, sources);
    if (!wanted.some((source) => legKindsFor(source, request).length > 0)) throw new NoLegsError();
    // The legs come after it: it gets no more than half.
    const limitMs = (deadlines.legsAt - startedAt) / 2;
    const { collections: all, recordError } = await record.collections(tenant, { signal, limitMs }).catch((error) => {
      // A graph that was not named is asked only where it is known to be there.
      const asked = request.sources.length > 0 ? wanted : wanted.filter(({ kind }) => kind !== "graph");
      throw asIfAllWereAsked(error, request, asked, onLeg);
    });
    const existing = new Set(all.map(({ state }) => state.collection));
    const collections = all.filter(({ state }) => canMatchCollection(request.filter, state.collection));
    checkVector(request, collections);
    // Two questions at most, which together leave the legs half of what is left.
    const call = { signal, limitMs: Math.min(legTimeLimitMs, (deadlines.legsAt - performance.now()) / 4) };
    const chosen = await graph.choose(tenant, request, wanted, { ...call, rerankerId, recordError });
    const search: AskedSearch = { tenant, request, collections, ...chosen, rerankerId, recordError, existing };
    if (request.start !== undefined) return pages.later(search, request.start, signal, deadlines);
    const key = searchKey(search);
    // Shared by those with time enough for every limit of its parts, so that nobody is given less for another's hurry.
    const isPatient = deadlines.legsAt - performance.now() > longestMs(chosen.sources, request, options);
    if (!isPatient) return find(search, key, signal, deadlines);
    const flight = `${request.cacheUse} ${key}`;
    if (flights.has(flight) && request.cacheUse !== "bypass") results?.coalesced();
    const found = await flights.run([flight], async (_, shared) => [await find(search, key, shared, whenever)], signal);
    return found.get(flight)!;
  };
}

/** Nothing is missing from it that another search might give. */
function isWhole({ legs, withoutRecord, notReranked }: SearchResult): boolean {
  return (
    legs.every(({ status, reason }) => status === "ok" || reason === "COLLECTION_MISSING") &&
    !withoutRecord &&
    !notReranked
  );
}

/** Where neither the record nor the projection answers, no leg can: the search ends as if each had been asked. */
function asIfAllWereAsked(
  error: unknown,
  request: SearchRequest,
  asked: readonly Source[],
  onLeg: SearcherOptions["onLeg"],
): unknown {
  if (!(error instanceof NothingToAskError)) return error;
  const outcomes = asked.flatMap((source) =>
    legKindsFor(source, request).map((leg) => {
      const cause = leg === "keyword" ? error.projectionError : error.recordError;
      return failedLeg({ source: source.name, leg }, cause);
    }),
  );
  outcomes.forEach((outcome) => onLeg?.(outcome));
  return new AllSourcesFailedError(outcomes);
}

function checkVector({ vector }: SearchRequest, collections: readonly Collection[]): void {
  for (const { active } of collections) {
    if (vector === undefined || active?.space.id !== vector.spaceId) continue;
    const { dimensions } = active.space;
    if (vector.value.values.length !== dimensions) throw new QueryVectorError(dimensions);
  }
}
